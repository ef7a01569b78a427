"""Which frames are private: speech, its margin, what was never judged, and what is not known yet."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.speech_times import Interval, Judgment, PrivacyPolicy, SpeechStatement, holes, merged

RATE_HZ = 100
OUT_0, OUT_1, OTHER = "pond:out_0", "pond:out_1", "lake:out_0"


def statement(*judged: Judgment, margin_s: float = 1.0, scope: str = "source") -> SpeechStatement:
    channels: dict[str, tuple[Judgment, ...]] = {}
    for one in judged:
        channels[one.channel] = (*channels.get(one.channel, ()), one)
    policy = PrivacyPolicy(margin_s=margin_s, scope="channel" if scope == "channel" else "source")
    return SpeechStatement(policy, RATE_HZ, channels)


def test_speech_is_private_with_its_margin() -> None:
    known = statement(Judgment(OUT_0, 0, 2000, ((500, 600),)))
    assert known.private(OUT_0, 0, 1000) == ((400, 700),)


def test_speech_shortly_before_and_after_is_private_within_the_frames() -> None:
    known = statement(Judgment(OUT_0, 0, 2000, ((500, 550), (1050, 1100))))
    assert known.private(OUT_0, 600, 1000) == ((600, 650), (950, 1000))


def test_speech_beyond_the_margin_is_no_matter() -> None:
    known = statement(Judgment(OUT_0, 0, 2000, ((0, 400), (1100, 1200))))
    assert known.private(OUT_0, 500, 1000) == ()


@pytest.mark.parametrize(("until", "is_known"), [(1000, False), (1099, False), (1100, True)])
def test_it_is_known_once_the_margin_after_the_end_was_judged(until: int, is_known: bool) -> None:
    known = statement(Judgment(OUT_0, 0, until))
    assert (known.private(OUT_0, 500, 1000) is not None) == is_known


def test_nothing_is_waited_for_after_the_end_of_the_audio() -> None:
    known = statement(Judgment(OUT_0, 0, 1000, has_ended=True))
    assert known.private(OUT_0, 500, 1000) == ()


def test_frames_that_were_never_judged_count_as_speech() -> None:
    known = statement(Judgment(OUT_0, 0, 600, has_ended=True), Judgment(OUT_0, 700, 2000))
    assert known.private(OUT_0, 500, 1000) == ((600, 700),)


def test_a_channel_that_was_never_judged_is_private() -> None:
    assert statement().private(OUT_0, 500, 1000) == ((500, 1000),)


def test_speech_concerns_all_channels_of_the_source() -> None:
    known = statement(Judgment(OUT_0, 0, 2000), Judgment(OUT_1, 0, 2000, ((500, 600),)), Judgment(OTHER, 0, 2000))
    assert known.private(OUT_0, 0, 1000) == ((400, 700),)
    assert known.private(OTHER, 0, 1000) == ()


def test_all_channels_of_the_source_are_waited_for() -> None:
    known = statement(Judgment(OUT_0, 0, 2000), Judgment(OUT_1, 0, 900))
    assert known.private(OUT_0, 0, 1000) is None


def test_speech_concerns_only_its_channel_if_set() -> None:
    known = statement(Judgment(OUT_0, 0, 2000), Judgment(OUT_1, 0, 900, ((500, 600),)), scope="channel")
    assert known.private(OUT_0, 0, 1000) == ()


def test_known_speech_is_private_before_the_rest_is_known() -> None:
    known = statement(Judgment(OUT_0, 0, 700, ((500, 600),)))
    assert known.private(OUT_0, 0, 1000) is None
    assert known.private_so_far(OUT_0, 0, 1000) == ((400, 700),)


intervals = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda pair: (pair[0], sum(pair))))


def frames(found: tuple[Interval, ...] | list[Interval]) -> set[int]:
    return {frame for first, last in found for frame in range(first, last)}


@given(intervals)
def test_merging_keeps_the_frames(given: list[Interval]) -> None:
    assert frames(merged(given)) == frames(given)


@given(intervals)
def test_merged_intervals_do_not_touch(given: list[Interval]) -> None:
    found = merged(given)
    assert all(before[1] < after[0] for before, after in pairwise(found))


@given(intervals)
def test_holes_are_what_is_in_no_part(given: list[Interval]) -> None:
    parts = [Judgment(OUT_0, first, last) for first, last in sorted(given)]
    assert frames(holes(parts, 5, 45)) == set(range(5, 45)) - frames(given)
