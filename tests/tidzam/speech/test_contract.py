"""The contract of speech detectors: all audio is judged once, in order, the same however it is cut into windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tests.support.silero import silero_home
from tests.support.speech import with_speech
from tidzam.config.privacy import SPEECH_DETECTORS, PrivacySettings
from tidzam.errors import ConfigError, SetupError
from tidzam.labels import LabelTree
from tidzam.results import Analysis, WindowBatch
from tidzam.speech.base import DetectorContext, SpeechDetector, make_detector
from tidzam.speech_times import Interval, Judgment, merged
from tidzam.types import Float32

START: Final = datetime(2026, 5, 1, tzinfo=UTC)
RATE_HZ: Final = 24000
FIRST_FRAME: Final = 777
LABELS: Final = LabelTree({"birds": None, "human": None, "human-voice": "human"})
SETTINGS: Final = {
    "silero-vad": PrivacySettings(detector="silero-vad"),
    "class": PrivacySettings(detector="class", classes=("human",)),
}


def made(name: str) -> SpeechDetector:
    detector = make_detector(SETTINGS[name], DetectorContext(labels=LABELS, home=silero_home()))
    assert detector is not None
    return detector


@pytest.fixture(scope="module")
def sound() -> tuple[Float32, list[tuple[float, float]]]:
    """Twelve seconds of noise, with two sentences."""
    noise = np.random.default_rng(1).standard_normal(12 * RATE_HZ).astype(np.float32) * np.float32(0.01)
    return with_speech(noise, RATE_HZ, starts_s=[1.5, 8.0], snr_db=6)


def batches(
    samples: Float32, spans: list[tuple[float, float]], *, window: int, hop: int, channel: str = "pond:out_0"
) -> Iterator[tuple[WindowBatch, tuple[Analysis, ...]]]:
    """Windows of a channel; the classifiers hear a person wherever somebody speaks."""
    for start in range(0, len(samples) - window + 1, hop):
        time = START + timedelta(seconds=start / RATE_HZ)
        heard = any(first * RATE_HZ < start + window and start < last * RATE_HZ for first, last in spans)
        end = time + timedelta(seconds=window / RATE_HZ)
        probabilities = {"birds": 0.1, "human": 0.9 if heard else 0.1}
        analysis = Analysis(channel, time, end, start, ("unknown",), probabilities, -40.0, 0)
        yield (
            WindowBatch((channel,), samples[None, start : start + window], RATE_HZ, FIRST_FRAME + start, (time,), (0,)),
            (analysis,),
        )


def judged(
    detector: SpeechDetector, samples: Float32, spans: list[tuple[float, float]], *, window: int, hop: int
) -> list[Judgment]:
    found = []
    for batch, analyses in batches(samples, spans, window=window, hop=hop):
        found += detector.follow(batch, analyses)
    return found + detector.finish()


def speech_of(found: list[Judgment]) -> tuple[Interval, ...]:
    return merged(interval for one in found for interval in one.speech)


def test_every_detector_is_tested() -> None:
    assert set(SPEECH_DETECTORS.built_in) == set(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_all_audio_is_judged_once_and_in_order(name: str, sound: tuple[Float32, list[tuple[float, float]]]) -> None:
    found = judged(made(name), *sound, window=RATE_HZ, hop=RATE_HZ)
    reached = FIRST_FRAME
    for one in found:
        assert one.start == reached
        reached = one.end
    assert reached == FIRST_FRAME + 12 * RATE_HZ


@pytest.mark.parametrize("name", SETTINGS)
def test_the_end_of_the_audio_is_said_once(name: str, sound: tuple[Float32, list[tuple[float, float]]]) -> None:
    found = judged(made(name), *sound, window=RATE_HZ, hop=RATE_HZ)
    assert [one.has_ended for one in found] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize("name", SETTINGS)
def test_speech_lies_within_its_judgment(name: str, sound: tuple[Float32, list[tuple[float, float]]]) -> None:
    for one in judged(made(name), *sound, window=RATE_HZ, hop=RATE_HZ):
        assert all(one.start <= first < last <= one.end for first, last in one.speech)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_sentence_is_found(name: str, sound: tuple[Float32, list[tuple[float, float]]]) -> None:
    samples, spans = sound
    found = speech_of(judged(made(name), samples, spans, window=RATE_HZ, hop=RATE_HZ))
    for first_s, last_s in spans:
        middle = FIRST_FRAME + round((first_s + last_s) / 2 * RATE_HZ)
        assert any(first <= middle < last for first, last in found)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_channel_that_is_away_ends_and_other_audio_begins(
    name: str, sound: tuple[Float32, list[tuple[float, float]]]
) -> None:
    detector, pieces = made(name), list(batches(*sound, window=RATE_HZ, hop=RATE_HZ))
    found = detector.follow(*pieces[0])
    found += detector.follow(*pieces[5])
    assert [(one.start, one.end) for one in found if one.has_ended] == [(found[0].end, FIRST_FRAME + RATE_HZ)]
    assert found[-1].start == FIRST_FRAME + 5 * RATE_HZ


@pytest.mark.parametrize("name", SETTINGS)
def test_frames_that_do_not_increase_are_other_audio(
    name: str, sound: tuple[Float32, list[tuple[float, float]]]
) -> None:
    detector, pieces = made(name), list(batches(*sound, window=RATE_HZ, hop=RATE_HZ))
    detector.follow(*pieces[5])
    assert detector.follow(*pieces[0])[-1].start == FIRST_FRAME


@pytest.mark.parametrize(("window", "hop"), [(3 * RATE_HZ, RATE_HZ // 2), (RATE_HZ // 10, RATE_HZ // 10)])
def test_overlapping_and_short_windows_lead_to_the_same_speech(
    sound: tuple[Float32, list[tuple[float, float]]], window: int, hop: int
) -> None:
    expected = speech_of(judged(made("silero-vad"), *sound, window=RATE_HZ, hop=RATE_HZ))
    assert speech_of(judged(made("silero-vad"), *sound, window=window, hop=hop)) == expected


def test_channels_do_not_influence_one_another(sound: tuple[Float32, list[tuple[float, float]]]) -> None:
    samples, spans = sound
    expected = speech_of(judged(made("silero-vad"), samples, spans, window=RATE_HZ, hop=RATE_HZ))
    detector, found = made("silero-vad"), list[Judgment]()
    for batch, analyses in batches(samples, spans, window=RATE_HZ, hop=RATE_HZ):
        noise = np.random.default_rng(2).uniform(-0.5, 0.5, batch.samples.shape).astype(np.float32)
        both = np.concatenate([noise, batch.samples])
        found += detector.follow(
            WindowBatch(("a:out_0", "pond:out_0"), both, RATE_HZ, batch.start_frame, batch.starts * 2, (0, 0)),
            analyses * 2,
        )
    found += detector.finish()
    assert speech_of([one for one in found if one.channel == "pond:out_0"]) == expected


def test_a_window_that_a_classifier_could_not_judge_is_speech_for_the_class_detector() -> None:
    detector = made("class")
    ((batch, (analysis,)),) = batches(np.zeros(RATE_HZ, np.float32), [], window=RATE_HZ, hop=RATE_HZ)
    unknown = Analysis(analysis.channel, analysis.start, analysis.end, 0, ("unknown",), {}, -90.0, 0, left_out=("x",))
    found = detector.follow(batch, (unknown,)) + detector.finish()
    assert speech_of(found) == ((FIRST_FRAME, FIRST_FRAME + RATE_HZ),)


def test_a_class_is_speech_in_all_of_the_longest_window() -> None:
    context = DetectorContext(labels=LABELS, window_s=3.0)
    detector = make_detector(SETTINGS["class"], context)
    assert detector is not None
    found = judged(detector, np.zeros(8 * RATE_HZ, np.float32), [(5.2, 5.8)], window=RATE_HZ, hop=RATE_HZ)
    assert speech_of(found) == ((FIRST_FRAME + 3 * RATE_HZ, FIRST_FRAME + 6 * RATE_HZ),)


def test_what_a_longer_classifier_has_not_heard_is_speech_where_the_audio_ends() -> None:
    detector = make_detector(SETTINGS["class"], DetectorContext(labels=LABELS, window_s=3.0))
    assert detector is not None
    found, pieces = list[Judgment](), batches(np.zeros(5 * RATE_HZ, np.float32), [], window=RATE_HZ, hop=RATE_HZ)
    for number, (batch, (analysis,)) in enumerate(pieces):  # it has run on the third window
        ages_s, waiting = ({"long": number - 2.0}, ()) if number > 2 else ({}, ("long",) * (number < 2))
        found += detector.follow(batch, (replace(analysis, ages_s=ages_s, waiting=waiting),))
    found += detector.finish()
    assert speech_of(found) == ((FIRST_FRAME + 3 * RATE_HZ, FIRST_FRAME + 5 * RATE_HZ),)


def test_windows_may_become_so_much_shorter_that_they_hold_no_new_audio() -> None:
    detector, sound = made("class"), np.zeros(12 * RATE_HZ, np.float32)
    first, *_ = batches(sound, [(0.5, 1.0)], window=3 * RATE_HZ, hop=3 * RATE_HZ)
    found = detector.follow(*first)
    for piece in list(batches(sound, [], window=RATE_HZ, hop=RATE_HZ // 2))[3:]:  # from 1.5 s on
        found += detector.follow(*piece)
    found += detector.finish()
    assert [one.start for one in found] == [FIRST_FRAME, *(one.end for one in found[:-1])]
    assert found[-1].end == FIRST_FRAME + len(sound)
    assert speech_of(found) == ((FIRST_FRAME, FIRST_FRAME + 3 * RATE_HZ),)


def test_a_class_that_does_not_exist_is_refused() -> None:
    settings = PrivacySettings(detector="class", classes=("humen",))
    with pytest.raises(ConfigError, match="humen") as caught:
        make_detector(settings, DetectorContext(labels=LABELS))
    assert caught.value.code == "unknown_class"


def test_a_detector_that_is_not_installed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="not installed") as caught:
        make_detector(SETTINGS["silero-vad"], DetectorContext(labels=LABELS, home=tmp_path))
    assert "tidzam models add silero-vad" in caught.value.hint
