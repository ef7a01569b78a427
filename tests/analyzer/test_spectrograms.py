"""Spectrograms of what is heard: the right band at the right time, gaps, and nothing where a person speaks."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from analyzer.spectrograms import PrivateSpectrograms, SpectrogramPart, spectrogram_parts
from tests.support.batches import START
from tests.support.sound import tone
from tidzam.audio.features import hz_to_mel
from tidzam.protocol.spectrogram import BANDS, HIGHEST_DB, LOWEST_DB, LOWEST_HZ
from tidzam.results import WindowBatch
from tidzam.speech_times import Judgment, PrivacyPolicy, SpeechStatement
from tidzam.types import Float32

RATE_HZ = 44100


def batch(
    samples: Float32, *, rate_hz: int = RATE_HZ, hop: int = 0, lost: int = 0, start_frame: int = 0
) -> WindowBatch:
    return WindowBatch(
        channels=("pond:out_0",),
        samples=samples[None],
        rate_hz=rate_hz,
        start_frame=start_frame,
        starts=(START,),
        gap_frames=(lost,),
        hop_frames=hop,
    )


def part_of(of: WindowBatch) -> SpectrogramPart:
    (part,) = spectrogram_parts(of, [0])
    return part


def level_db(value: int) -> float:
    return LOWEST_DB + (value - 1) / 254 * (HIGHEST_DB - LOWEST_DB)


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000, 192000])
@pytest.mark.parametrize("frequency_hz", [500.0, 3000.0, 7000.0])
def test_a_tone_lights_up_its_band_in_every_column(rate_hz: int, frequency_hz: float) -> None:
    part = part_of(batch(tone(frequency_hz, rate_hz=rate_hz, duration_s=0.5, amplitude=0.01), rate_hz=rate_hz))
    highest = min(12000, rate_hz / 2)
    centers = np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(highest), BANDS + 2)[1:-1]
    nearest = int(np.argmin(np.abs(centers - hz_to_mel(frequency_hz))))
    assert part.columns.shape == (5, BANDS)
    assert np.abs(part.columns.argmax(axis=1) - nearest).max() <= 1


def test_a_value_is_the_level_in_dbfs() -> None:
    part = part_of(batch(tone(1000.0, rate_hz=RATE_HZ, duration_s=0.5, amplitude=0.01)))
    assert level_db(part.columns.max()) == pytest.approx(-40, abs=3)  # a tone between two bands is in each by a half


def test_a_click_is_in_its_column_only() -> None:
    samples = np.zeros(RATE_HZ // 2, np.float32)
    samples[round(0.25 * RATE_HZ)] = 1.0
    assert (part_of(batch(samples)).columns > 1).any(axis=1).tolist() == [False, False, True, False, False]


def test_of_overlapping_windows_only_what_is_new_is_drawn() -> None:
    samples = np.concatenate([tone(1000.0, rate_hz=RATE_HZ, duration_s=0.5), np.zeros(RATE_HZ // 2, np.float32)])
    part = part_of(batch(samples, hop=RATE_HZ // 2, start_frame=RATE_HZ))
    assert (part.columns == 1).all()
    assert part.start == START + timedelta(seconds=0.5)
    assert (part.start_frame, part.end_frame) == (3 * RATE_HZ // 2, 2 * RATE_HZ)
    assert part.column_s == pytest.approx(0.1)


def test_what_was_lost_is_unknown_and_silence_is_not() -> None:
    samples = tone(1000.0, rate_hz=RATE_HZ, duration_s=0.5)
    samples[2 * 4410 : 3 * 4410] = 0.0
    assert (part_of(batch(samples, lost=4410)).columns == 0).all(axis=1).tolist() == [False, False, True, False, False]
    assert (part_of(batch(np.zeros(RATE_HZ, np.float32))).columns == 1).all()


def statement(end: int, *speech: tuple[int, int]) -> SpeechStatement:
    """Speech was looked for in all frames up to `end`; the margin is a second."""
    judged = Judgment("pond:out_0", 0, end, speech)
    return SpeechStatement(PrivacyPolicy(margin_s=1.0), RATE_HZ, {"pond:out_0": (judged,)})


def second(number: int) -> SpectrogramPart:
    samples = tone(1000.0, rate_hz=RATE_HZ, duration_s=1.0)
    return part_of(batch(samples, start_frame=number * RATE_HZ))


def test_nothing_is_shown_before_speech_was_looked_for_with_the_margin() -> None:
    private = PrivateSpectrograms()
    assert private.follow([second(0)], statement(RATE_HZ)) == []
    (shown,) = private.follow([second(1)], statement(2 * RATE_HZ))
    assert shown.start_frame == 0
    assert (shown.columns > 1).any(axis=1).all()


def test_nothing_is_shown_where_a_person_speaks_and_in_the_margin() -> None:
    private = PrivateSpectrograms()
    speech = (round(2.5 * RATE_HZ), round(2.55 * RATE_HZ))
    shown = private.follow(map(second, range(6)), statement(7 * RATE_HZ, speech))
    is_known = np.concatenate([part.columns.any(axis=1) for part in shown])
    assert np.flatnonzero(~is_known).tolist() == list(range(15, 36))


def test_without_a_detector_all_is_shown_at_once() -> None:
    assert len(PrivateSpectrograms().follow([second(0)], None)) == 1


def test_what_is_never_judged_is_shown_as_unknown_in_the_end() -> None:
    private = PrivateSpectrograms()
    shown = private.follow(map(second, range(40)), statement(0))
    assert [part.start_frame // RATE_HZ for part in shown] == list(range(9))
    assert not any(part.columns.any() for part in shown)


def test_a_clock_that_is_set_back_begins_again() -> None:
    private = PrivateSpectrograms()
    private.follow([second(5)], statement(RATE_HZ))
    (shown,) = private.follow([second(0)], statement(2 * RATE_HZ))
    assert shown.start_frame == 0
