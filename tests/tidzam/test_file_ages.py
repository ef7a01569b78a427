"""How old files are taken to be, on a clock that is set."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.gap_clock import NOON, SetClock
from tidzam.file_ages import DAY_S, AgeCount, FileAges


def old(days: float) -> datetime:
    return NOON - timedelta(days=days)


def settled(path: Path, clock: SetClock) -> FileAges:
    """Ages after the first day."""
    ages = FileAges(path, clock=clock)
    ages.see({})
    clock.pass_s(DAY_S)
    ages.see({})
    return ages


def test_a_file_becomes_older_while_time_passes_and_not_when_the_clock_is_set(tmp_path: Path) -> None:
    clock = SetClock()
    ages = settled(tmp_path / "ages.json", clock)
    ages.see({"a": NOON})
    clock.pass_s(100)
    clock.set_by(1e6)
    assert ages.see({"a": NOON}) == {"a": 100}


def test_on_the_first_day_no_file_is_older_than_what_was_counted(tmp_path: Path) -> None:
    clock = SetClock()
    ages = FileAges(tmp_path / "ages.json", clock=clock)
    assert ages.see({"a": old(30)}) == {"a": 0}
    clock.pass_s(3600)
    assert ages.see({"a": old(30)}) == {"a": 3600}
    clock.pass_s(DAY_S)
    assert ages.see({"a": old(30)})["a"] == 31 * DAY_S + 3600


def test_a_clock_that_is_ahead_at_first_and_then_set_makes_no_file_older(tmp_path: Path) -> None:
    clock = SetClock(NOON + timedelta(days=3650))
    ages = FileAges(tmp_path / "ages.json", clock=clock)
    ages.see({"a": old(30)})
    clock.set_by(-3650 * DAY_S)
    clock.pass_s(3600)
    ages.see({"a": old(30)})
    clock.pass_s(DAY_S)
    assert ages.see({"a": old(30)})["a"] == 31 * DAY_S + 3600


def test_a_file_of_the_future_is_as_old_as_it_was_seen() -> None:
    count = AgeCount().seeing({"a": NOON + timedelta(days=9)}, NOON).later(60)
    assert count.seeing({"a": NOON + timedelta(days=9)}, NOON).age_s("a") == 60


@pytest.mark.parametrize(("pause_s", "counted_s"), [(3600, 3600), (DAY_S, DAY_S), (DAY_S + 1, 0), (-5, 0)])
def test_a_pause_counts_if_it_is_at_most_a_day(tmp_path: Path, pause_s: float, counted_s: float) -> None:
    clock, path = SetClock(), tmp_path / "ages.json"
    settled(path, clock)
    FileAges(path, clock=clock).see({"a": NOON})
    clock.set_by(pause_s)
    assert FileAges(path, clock=clock).see({"a": NOON}) == {"a": counted_s}


def test_a_damaged_file_counts_as_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "ages.json"
    path.write_text('{"counted_s": 1')
    with caplog.at_level(logging.WARNING):
        assert FileAges(path, clock=SetClock()).see({"a": old(30)}) == {"a": 0}
    assert "cannot be read" in caplog.text


def test_a_full_disk_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = SetClock()
    (tmp_path / "file").touch()
    ages = FileAges(tmp_path / "file" / "ages.json", clock=clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            ages.see({})
            clock.pass_s(3600)
    assert caplog.text.count("cannot be saved") == 1
