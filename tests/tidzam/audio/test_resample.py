import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sound import tone
from tidzam.audio.resample import resample


@given(st.integers(1, 3), st.integers(200, 5000), st.sampled_from([8000, 22050, 44100, 48000]))
def test_the_number_of_frames_is_exact(channels: int, frames: int, to_hz: int) -> None:
    found = resample(np.zeros((channels, frames), np.float32), 44100, to_hz)
    assert found.shape == (channels, round(frames * to_hz / 44100))
    assert found.dtype == np.float32


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    samples = tone(440)[None]
    assert resample(samples, 44100, 44100) is samples


@pytest.mark.parametrize("from_hz", [44100, 48000, 96000])
def test_a_tone_stays_what_it_is(from_hz: int) -> None:
    found = resample(tone(1000.0, rate_hz=from_hz)[None], from_hz, 22050)[0]
    inside = slice(2000, -2000)
    np.testing.assert_allclose(found[inside], tone(1000.0, rate_hz=22050)[inside], atol=1e-4)


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    found = resample(tone(15000.0)[None], 44100, 22050)[0]
    assert np.abs(found[2000:-2000]).max() < 1e-4


def test_channels_do_not_mix() -> None:
    both = np.stack([tone(500.0), np.zeros(44100, np.float32)])
    found = resample(both, 44100, 22050)
    assert not found[1].any()
    np.testing.assert_array_equal(found[0], resample(both[:1], 44100, 22050)[0])


def test_no_channels() -> None:
    assert resample(np.empty((0, 44100), np.float32), 44100, 22050).shape == (0, 22050)
