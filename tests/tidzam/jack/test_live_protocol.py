"""What a program and its process with the ports of live streams send each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.jack.live_protocol import (
    LIVE_MESSAGES,
    MOST_BYTES,
    FrameKind,
    LiveBeat,
    LiveFrame,
    LiveFrameReader,
    LiveMessage,
    LivePortOptions,
    LiveReady,
    SlotClosed,
    SlotStatus,
)

FRAMES = st.builds(
    LiveFrame, st.sampled_from(FrameKind), st.integers(0, 255), st.integers(0, 192000), st.binary(max_size=50)
)


@given(st.lists(FRAMES, max_size=5), st.integers(1, 20))
def test_frames_are_found_however_they_are_cut(frames: list[LiveFrame], length: int) -> None:
    data, reader = b"".join(frame.encode() for frame in frames), LiveFrameReader()
    found = [frame for start in range(0, len(data), length) for frame in reader.feed(data[start : start + length])]
    assert found == frames


def test_a_frame_that_is_too_long_is_refused() -> None:
    header = LiveFrame(FrameKind.AUDIO, 0).encode()[:-4] + (MOST_BYTES + 1).to_bytes(4, "little")
    with pytest.raises(ValueError, match="expected at most"):
        list(LiveFrameReader().feed(header))


@pytest.mark.parametrize(
    "message",
    [LiveReady(48000), SlotClosed(3, "no ports"), SlotStatus(1, True, 0.5, 2.0, 1, 0.25, 0.0, None), LiveBeat()],
    ids=lambda message: type(message).__name__,
)
def test_a_message_survives_encoding(message: LiveMessage) -> None:
    assert LIVE_MESSAGES.decode(LIVE_MESSAGES.encode(message)) == message


def test_the_options_survive_the_command_line() -> None:
    options = LivePortOptions("tidzam-livestreams", 10, 0.5, 5.0)
    assert LivePortOptions.parse(*options.argv()[4:]) == options
