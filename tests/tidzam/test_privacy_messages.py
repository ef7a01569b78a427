"""Speech as it goes over the wire: in times, for the channels whose clock is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from tidzam.protocol.privacy import speech_event
from tidzam.results import WindowBatch
from tidzam.speech_times import Judgment, PrivacyPolicy, SpeechStatement

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def batch(*channels: str) -> WindowBatch:
    count = len(channels)
    return WindowBatch(channels, np.zeros((count, 100), np.float32), 100, 1000, (START,) * count, (0,) * count)


def statement(*fresh: Judgment) -> SpeechStatement:
    return SpeechStatement(PrivacyPolicy(), 100, {}, fresh)


def test_frames_are_reported_as_times() -> None:
    (found,) = speech_event(
        batch("pond:out_0"), statement(Judgment("pond:out_0", 950, 1050, ((1000, 1025),))), node="n"
    ).channels
    assert (found.start, found.end) == (START - timedelta(seconds=0.5), START + timedelta(seconds=0.5))
    assert found.speech == ((START, START + timedelta(seconds=0.25)),)


def test_channels_that_have_disappeared_are_left_out() -> None:
    gone = Judgment("lake:out_0", 950, 1000, has_ended=True)
    assert speech_event(batch("pond:out_0"), statement(gone), node="n").channels == ()


def test_nothing_is_said_about_no_audio() -> None:
    assert speech_event(batch("pond:out_0"), statement(Judgment("pond:out_0", 1000, 1000)), node="n").channels == ()
