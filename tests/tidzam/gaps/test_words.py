"""Gaps in words, and records of one gap put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tidzam.gaps.records import Gap, GapReason
from tidzam.gaps.words import REASONS, joined

START = datetime(2026, 5, 1, 2, 50, tzinfo=UTC)


def gap(minute: float, minutes: float, channel: str = "pond", count: int = 1, reason: str = "source_down") -> Gap:
    start = START + timedelta(minutes=minute)
    return Gap(channel, start, start + timedelta(minutes=minutes), GapReason(reason), count)


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(GapReason)


def test_a_gap_that_was_cut_at_the_full_hour_is_one() -> None:
    assert joined([gap(10, 60, count=0), gap(0, 10)]) == [gap(0, 70)]


def test_gaps_of_other_channels_and_reasons_stay_apart() -> None:
    apart = [gap(0, 10), gap(0, 10, "shore"), gap(10, 5, reason="xrun")]
    assert len(joined(apart)) == 3


def test_gaps_with_sound_between_them_stay_apart() -> None:
    assert len(joined([gap(0, 1), gap(1.5, 1)])) == 2
