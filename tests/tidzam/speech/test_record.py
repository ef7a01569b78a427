"""Which judgments are reported: not those about audio that capture has lost, which a recording may hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from stream_manager.privacy.reports import SpeechReports
from tidzam.protocol.privacy import speech_event
from tidzam.results import WindowBatch
from tidzam.speech.record import SpeechRecord
from tidzam.speech_times import Judgment, PrivacyPolicy

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
START_S = START.timestamp()
CHANNEL, RATE_HZ = "pond:out_0", 100


def window(number: int, *, lost: int = 0, is_last: bool = False) -> WindowBatch:
    """One of a second, in which some frames are lost."""
    time, samples = START + timedelta(seconds=number), np.zeros((1, RATE_HZ), np.float32)
    return WindowBatch((CHANNEL,), samples, RATE_HZ, number * RATE_HZ, (time,), (lost,), is_last=is_last)


def judgment(number: int) -> Judgment:
    """That of a window."""
    return Judgment(CHANNEL, number * RATE_HZ, (number + 1) * RATE_HZ)


def reports(lost: Sequence[int], *, lag: int) -> SpeechReports:
    """What the stream manager knows after windows in which so many frames are lost. Judgments lag by some frames."""
    record, known, reached = SpeechRecord(PrivacyPolicy()), SpeechReports(keep_s=3600), 0
    for number, frames in enumerate(lost):
        batch, until = window(number, lost=frames), (number + 1) * RATE_HZ - lag
        statement = record.follow(batch, [Judgment(CHANNEL, reached, until)])
        known.take(speech_event(batch, statement, node="garden").model_dump(mode="json"))
        reached = until
    return known


@pytest.mark.parametrize("lag", [0, 50])
def test_audio_that_was_lost_is_not_reported(lag: int) -> None:
    known = reports([0, 0, RATE_HZ, 0, 0, 0], lag=lag)
    assert not known.cover([CHANNEL], START_S + 2, START_S + 3)


@pytest.mark.parametrize("lag", [0, 50])
def test_what_follows_is_reported(lag: int) -> None:
    assert reports([0, 0, RATE_HZ, 0, 0, 0], lag=lag).cover([CHANNEL], START_S + 4, START_S + 5)


def test_a_click_is_no_loss() -> None:
    assert reports([0, 0, RATE_HZ // 20, 0], lag=0).cover([CHANNEL], START_S, START_S + 4)


def test_clips_hold_the_same_audio_so_that_they_are_judged() -> None:
    statement = SpeechRecord(PrivacyPolicy()).follow(window(0, lost=RATE_HZ), [judgment(0)])
    assert statement.private(CHANNEL, 0, RATE_HZ) is None  # the margin after it is not judged yet
    assert statement.private_so_far(CHANNEL, 0, RATE_HZ) == ()


def test_what_lies_after_the_end_of_a_file_is_not_lost() -> None:
    statement = SpeechRecord(PrivacyPolicy()).follow(window(0, lost=RATE_HZ // 2, is_last=True), [judgment(0)])
    assert statement.fresh == (judgment(0),)


def test_what_another_clock_has_lost_is_no_matter() -> None:
    record = SpeechRecord(PrivacyPolicy())
    record.follow(window(5, lost=RATE_HZ), [judgment(5)])
    assert record.follow(window(0), [judgment(0)]).fresh == (judgment(0),)
