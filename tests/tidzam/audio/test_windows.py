import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.audio.windows import cut_windows


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 50), st.floats(0, 0.99), st.integers(1, 3))
def test_windows_are_slices_of_the_stream_whatever_its_blocks(
    blocks: list[int], window: int, overlap: float, channels: int
) -> None:
    hop = max(1, round(window * (1 - overlap)))
    stream = np.arange(1, sum(blocks) * channels + 1, dtype=np.float32).reshape(-1, channels)
    found = list(cut_windows(np.split(stream, np.cumsum(blocks)[:-1]), window=window, hop=hop))
    assert [one.start_frame for one in found] == [hop * k for k in range(len(found))]
    for one in found:
        whole = window - one.missing_frames
        np.testing.assert_array_equal(one.samples[:, :whole].T, stream[one.start_frame : one.start_frame + whole])
        assert one.samples.shape == (channels, window)
        assert not one.samples[:, whole:].any()
    assert not any(one.missing_frames for one in found[:-1])
    covered = found[-1].start_frame + window
    assert len(stream) - covered < max(hop / 2, 1)


@pytest.mark.parametrize(("frames", "missing"), [(100, []), (149, []), (150, [50]), (30, [70])])
def test_the_rest_counts_from_half_a_hop_on(frames: int, missing: list[int]) -> None:
    found = list(cut_windows([np.ones((frames, 1), np.float32)], window=100, hop=100))
    assert [one.missing_frames for one in found if one.missing_frames] == missing


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.integers(1, 50),
    st.floats(0, 0.99),
    st.integers(1, 120),
    st.integers(1, 3),
)
def test_a_context_holds_the_stream_up_to_the_end_of_its_window(
    blocks: list[int], window: int, overlap: float, before: int, channels: int
) -> None:
    hop = max(1, round(window * (1 - overlap)))
    stream = np.arange(1, sum(blocks) * channels + 1, dtype=np.float32).reshape(-1, channels)
    parts = np.split(stream, np.cumsum(blocks)[:-1])
    alone = list(cut_windows(parts, window=window, hop=hop))
    found = list(cut_windows(parts, window=window, hop=hop, before=before))
    assert [(one.start_frame, one.missing_frames) for one in found] == [
        (one.start_frame, one.missing_frames) for one in alone
    ]
    padded = np.pad(stream, ((0, window), (0, 0)))
    for one, plain in zip(found, alone, strict=True):
        assert one.context is not None
        np.testing.assert_array_equal(one.samples, plain.samples)
        first, end = max(0, one.start_frame - before), one.start_frame + window
        np.testing.assert_array_equal(one.context.T, padded[first:end])
