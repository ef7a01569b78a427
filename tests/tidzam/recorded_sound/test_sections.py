"""The loudest samples of sections: measured in any blocks, and stored in a byte each."""

from __future__ import annotations

import numpy as np
import pytest

from tidzam.recorded_sound.sections import SECTION_S, SectionMeter, decode_peaks, encode_peaks, section_count
from tidzam.types import Float32

RATE_HZ = 100


def sound(seconds: float) -> Float32:
    noise = np.random.default_rng(1).uniform(-1, 1, (round(seconds * RATE_HZ), 3))
    return (noise * [1, 0.1, 0]).astype(np.float32)


@pytest.mark.parametrize("block", [1, 7, 1500, 1501, 10_000])
def test_it_does_not_matter_in_which_blocks_the_sound_comes(block: int) -> None:
    samples, meter = sound(2.5 * SECTION_S), SectionMeter(RATE_HZ)
    for first in range(0, len(samples), block):
        meter.add(samples[first : first + block])
    frames = SECTION_S * RATE_HZ
    sections = [samples[first : first + frames] for first in range(0, len(samples), frames)]
    expected = np.stack([np.abs(section).max(axis=0) for section in sections])
    assert meter.stored == encode_peaks(expected)
    assert decode_peaks(meter.stored, 3).shape == (section_count(2.5 * SECTION_S), 3)


def test_amplitudes_are_kept_to_a_quarter_of_a_decibel() -> None:
    amplitudes = np.geomspace(1e-6, 1.0, 500, dtype=np.float32)[:, np.newaxis]
    found = decode_peaks(encode_peaks(amplitudes), 1)
    assert np.abs(20 * np.log10(found / amplitudes)).max() <= 0.2501


def test_full_scale_and_silence_are_exact() -> None:
    assert decode_peaks(encode_peaks(np.array([[1.0, 0.0]], np.float32)), 2).tolist() == [[1.0, 0.0]]


def test_what_clips_is_full_scale_and_what_is_no_number_is_silence() -> None:
    assert decode_peaks(encode_peaks(np.array([[1.5, np.nan]], np.float32)), 2).tolist() == [[1.0, 0.0]]


def test_without_sound_there_is_no_section() -> None:
    assert SectionMeter(RATE_HZ).stored == b""


def test_bytes_of_another_number_of_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="not those of sections of 2 channels"):
        decode_peaks(b"\xff\xff\xff", 2)
