"""The last hours: counts per hour and class, daylight, and gaps in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.store_records import detection
from tidzam.gaps.day_files import write_open
from tidzam.gaps.open_state import OpenGap, OpenState
from tidzam.gaps.records import GapReason
from tidzam.paths import gaps_folder
from tidzam.store.records import GapRecord
from tidzam.store.writer import StoreWriter

LOCATION = {"latitude": 42.36, "longitude": -71.06, "time_zone": "America/New_York"}
HOURS = "/api/v1/live/hours"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console in Boston. It is half past two in the night by its clock."""
    with console_with_profile(tmp_path, {"location": LOCATION}) as console:
        yield console


def ago(console: ConsoleUnderTest, **time: float) -> datetime:
    return console.clock() - timedelta(**time)


def heard(console: ConsoleUnderTest, number: int, **changes: Any) -> None:
    start = ago(console, hours=changes.pop("hours"))
    values = {"start": start, "end": start + timedelta(seconds=2), "time_zone": LOCATION["time_zone"], **changes}
    StoreWriter(console.store).write([detection(number, **values)])


def gap(console: ConsoleUnderTest, channel: str, reason: str, ago_min: float, minutes: float, count: int = 1) -> None:
    start = ago(console, minutes=ago_min)
    end = start + timedelta(minutes=minutes)
    record = GapRecord(node="marsh", channel=channel, reason=reason, start=start, end=end, count=count)
    StoreWriter(console.store).write([record])


def hours(console: ConsoleUnderTest, **query: Any) -> Any:
    return console.logged_in("viewer").get(HOURS, params=query).json()


def page(console: ConsoleUnderTest) -> str:
    return console.logged_in("viewer").get("/now/hours").text


def test_detections_are_counted_in_their_hours(console: ConsoleUnderTest) -> None:
    for number, hour in enumerate((0.1, 0.2, 1.1, 23.4, 24.6)):
        heard(console, number, hours=hour)
    found = hours(console)
    (wren,) = found["classes"]
    assert wren["path"] == ["birds", "wren"]
    assert (wren["counts"][0], wren["counts"][22], wren["counts"][23], sum(wren["counts"])) == (1, 1, 2, 4)
    assert (found["hours"][0], found["hours"][23]) == ("2026-04-30T07:00:00Z", "2026-05-01T06:00:00Z")


def test_only_the_chosen_model_is_counted(console: ConsoleUnderTest) -> None:
    heard(console, 1, hours=1, model="birds")
    heard(console, 2, hours=1, model="frogs", path=("frogs", "tree frog"))
    chosen = hours(console, model="frogs@0123456789ab")["classes"]
    assert [one["path"] for one in chosen] == [["frogs", "tree frog"]]


def test_a_gap_is_named_with_its_time_by_the_clock_and_its_reason(console: ConsoleUnderTest) -> None:
    gap(console, "pond:out_0", "xrun", 60, 4)
    assert "not listening 01:30–01:34: xrun" in page(console)  # noqa: RUF001 - as it is printed


def test_a_gap_that_lasts_says_since_when(console: ConsoleUnderTest) -> None:
    open_gap = OpenGap("pond", GapReason.SOURCE_DOWN, ago(console, minutes=90))
    ledger = gaps_folder(console.runtime.settings.home)
    ledger.mkdir()
    write_open(ledger, OpenState("stream_manager", GapReason.NODE_DOWN, console.clock(), gaps=(open_gap,)))
    assert "not listening since 01:00: the source did not play" in page(console)


def test_many_short_gaps_are_summed_up(console: ConsoleUnderTest) -> None:
    gap(console, "pond:out_0", "xrun", 60, 0.01, count=7)
    found = hours(console)
    assert (found["gaps"], found["short_gaps"], found["short_gaps_s"]) == ([], 7, 0.6)
    assert "7 of less than a second, 0.60 s in all" in page(console)


def test_gaps_of_another_node_and_of_replays_are_not_ours(console: ConsoleUnderTest) -> None:
    gap(console, "pond", "recording_missing", 60, 4)
    start = ago(console, minutes=30)
    other = GapRecord(node="garden", channel="*", reason="node_down", start=start, end=console.clock())
    StoreWriter(console.store).write([other])
    assert hours(console)["gaps"] == []


def test_dawn_and_dusk_of_the_day_are_shown_by_the_clock(console: ConsoleUnderTest) -> None:
    shown = page(console)
    assert re.search(r"dawn 05:0\d–06:1\d", shown)  # noqa: RUF001 - as it is printed
    assert re.search(r'class="shade-dusk" d="M1[67]\.', shown)  # at about 19:40, in the chart that begins at 3


def test_without_a_position_there_is_no_daylight(tmp_path: Path) -> None:
    with console_with_profile(tmp_path, {}) as console:
        assert hours(console)["daylight"] == []
        assert "dusk" not in page(console)


@pytest.mark.parametrize("query", [{"hours": 0}, {"hours": 169}, {"model": "x" * 201}])
def test_wrong_queries_are_refused(console: ConsoleUnderTest, query: dict[str, Any]) -> None:
    assert console.logged_in("viewer").get(HOURS, params=query).status_code == 422
