"""The rate of sending, the size of parts, and which records are sent. Pure."""

from __future__ import annotations

import pytest

from analyzer.forward.link import SendingRate
from analyzer.forward.records import named, newest_of
from analyzer.forward.tus import LEAST_BYTES, MOST_BYTES, next_part
from tests.support.store_records import detection
from tidzam.store.records import AnalyzerStartRecord, decode, encode


def test_what_is_sent_keeps_the_rate() -> None:
    now = [0.0]
    rate = SendingRate(80, clock=lambda: now[0])
    waits = [rate.reserve_s(5000) for _ in range(3)]
    assert waits == [0.0, 0.5, 1.0]
    now[0] = 10.0
    assert rate.reserve_s(5000) == 0.0


def test_without_a_limit_nothing_waits() -> None:
    assert SendingRate(None).reserve_s(1_000_000) == 0.0


@pytest.mark.parametrize(
    ("size", "took_s", "expected"),
    [
        (65536, 1.0, 131072),
        (65536, 10.0, 65536),
        (65536, 30.0, 32768),
        (LEAST_BYTES, 59.0, LEAST_BYTES),
        (MOST_BYTES, 0.1, MOST_BYTES),
    ],
)
def test_the_size_of_parts_follows_the_link(size: int, took_s: float, expected: int) -> None:
    assert next_part(size, took_s, 60.0) == expected


def test_of_a_detection_only_the_newest_record_is_sent() -> None:
    begun, ended = encode(detection(1, is_open=True)), encode(detection(1, windows=5))
    start, other = encode(AnalyzerStartRecord(node="garden")), encode(detection(2))
    assert newest_of([start, begun, other, ended, "nonsense"]) == [start, other, ended, "nonsense"]


def test_a_record_that_alone_names_a_clip_is_sent() -> None:
    named, ended = encode(detection(1, clip="a.flac")), encode(detection(1, windows=5))
    assert newest_of([named, ended]) == [named, ended]
    assert newest_of([ended, named]) == [named]


def test_a_record_is_sent_under_the_present_name_of_the_node() -> None:
    line = encode(detection(1, node="other"))
    assert decode(named(line, "garden")) == detection(1, node="garden", id=decode(line).id)  # type: ignore[union-attr]
    assert (named(line, "other"), named("nonsense", "garden")) == (line, "nonsense")
