"""Clips in which a person speaks: dropped or muted, once it is known where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from analyzer.clips.extractor import Extractor
from analyzer.clips.privacy import silenced
from analyzer.clips.rules import rules_of
from analyzer.clips.store import CutClip
from tests.support.batches import LABELS, RATE_HZ, Batches
from tidzam.config.sinks import ClipSinkSettings
from tidzam.results import AnalyzedBatch, DetectionChange
from tidzam.speech.record import SpeechRecord
from tidzam.speech_times import Judgment, PrivacyPolicy

CHANNEL = "pond:out_0"


class Station:
    """Windows of one second with a bird in each, and a detector that lags by `lag_s` seconds.

    A person speaks in the seconds `speech_s`.
    """

    def __init__(
        self,
        *,
        action: Literal["drop", "mute"] = "drop",
        speech_s: Sequence[int] = (),
        margin_s: float = 0.5,
        lag_s: int = 1,
    ) -> None:
        settings = ClipSinkSettings(folder=Path("clips"), rules=rules_of(dynamic=False))
        self.extractor = Extractor(settings, labels=LABELS, node="garden")
        self._batches, self._speech_s, self._lag_s = Batches(), speech_s, lag_s
        self._record = SpeechRecord(PrivacyPolicy(action, margin_s))
        self._judged_s = 0
        self.changes: list[DetectionChange] = []

    def second(self, number: int, label: str = "birds-wren") -> list[CutClip]:
        analyzed = self._batches.batch(number, pond_0=label)
        judged = [self._judgment(max(0, number + 1 - self._lag_s))]
        return self._take(replace(analyzed, speech=self._record.follow(analyzed.batch, judged)))

    def end(self, number: int) -> list[CutClip]:
        """No window follows the first `number` ones."""
        judged = [replace(self._judgment(number), has_ended=True)]
        clips = self._take(replace(self._batches.last(), speech=self._record.finish(judged)))
        return clips + self.extractor.finish()

    def restart(self) -> None:
        """The frames begin again with the next window."""
        self._judged_s = 0

    def play(self, seconds: int) -> list[CutClip]:
        clips = [clip for number in range(seconds) for clip in self.second(number)]
        return clips + self.end(seconds)

    def _judgment(self, until_s: int) -> Judgment:
        since_s, self._judged_s = self._judged_s, until_s
        speech = tuple((s * RATE_HZ, (s + 1) * RATE_HZ) for s in self._speech_s if since_s <= s < until_s)
        return Judgment(CHANNEL, since_s * RATE_HZ, until_s * RATE_HZ, speech)

    def _take(self, analyzed: AnalyzedBatch) -> list[CutClip]:
        marked = self.extractor.mark(analyzed)
        self.changes += marked.detections
        return self.extractor.cut(marked)


def seconds(clips: list[CutClip]) -> list[str]:
    """The second in which each clip begins."""
    return [clip.path.removesuffix(".000.flac")[-2:] for clip in clips]


def test_clips_with_speech_or_its_margin_are_dropped() -> None:
    assert seconds(Station(speech_s=[3]).play(7)) == ["00", "01", "05", "06"]


def test_dropped_clips_are_counted_by_channel() -> None:
    station = Station(speech_s=[3])
    station.play(7)
    assert dict(station.extractor.privacy.dropped) == {CHANNEL: 3}


def test_all_clips_are_kept_where_nobody_speaks() -> None:
    assert len(Station().play(7)) == 7


@pytest.mark.parametrize(("lag_s", "complete_at"), [(0, 1), (1, 2), (3, 4)])
def test_a_clip_waits_until_the_margin_after_it_was_judged(lag_s: int, complete_at: int) -> None:
    station = Station(lag_s=lag_s)
    found = [len(station.second(number)) for number in range(complete_at + 1)]
    assert found == [0] * complete_at + [1]


def test_a_muted_clip_is_silent_where_somebody_speaks() -> None:
    before = Station(action="mute", speech_s=[3], margin_s=0.5).play(7)[2]
    assert np.all(before.samples[RATE_HZ // 2 + RATE_HZ // 100 :] < 1e-3)
    assert np.all(before.samples[: RATE_HZ // 2] == np.float32(0.1))


def test_a_muted_clip_says_where() -> None:
    clips = Station(action="mute", speech_s=[3], margin_s=0.5).play(7)
    assert [clip.tags.comment.get("muted_s") for clip in clips] == [
        *(None, None, [[0.5, 1.0]], [[0.0, 1.0]], [[0.0, 0.5]]),
        *(None, None),
    ]


def test_a_dropped_clip_is_named_by_no_event_once_speech_is_known() -> None:
    station = Station(speech_s=[0], lag_s=0)
    station.play(1)
    assert [change.detection.clip for change in station.changes] == [None, None]


def test_a_clip_of_which_it_is_never_known_is_dropped() -> None:
    station = Station(lag_s=9)
    for number in range(3):
        station.second(number)
    assert station.extractor.finish() == []
    assert station.extractor.privacy.dropped[CHANNEL] == 3


def test_a_clip_that_waits_when_the_clock_of_jack_begins_again_is_dropped() -> None:
    station = Station(lag_s=1)
    found = [station.second(number) for number in (5, 6, 7)]
    station.restart()
    found += [station.second(number) for number in range(4)]
    assert [seconds(clips) for clips in found] == [[], [], ["05"], [], [], ["00"], ["01"]]
    assert station.extractor.privacy.dropped[CHANNEL] == 2


def test_without_a_detector_nothing_is_waited_for() -> None:
    station, batches = Station(), Batches()
    analyzed = batches.batch(0, pond_0="birds-wren")
    station.extractor.cut(station.extractor.mark(analyzed))
    analyzed = batches.batch(1, pond_0="birds-wren")
    assert len(station.extractor.cut(station.extractor.mark(analyzed))) == 1


def test_muting_fades_within_the_interval() -> None:
    muted = silenced(np.ones((1000, 2), np.float32), [(200, 600)], 1000)
    assert np.all(muted[:200] == 1)
    assert np.all(muted[205:595] == 0)
    assert np.all(muted[600:] == 1)
