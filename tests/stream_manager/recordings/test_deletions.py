"""The counts of deleted recordings, by source and day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from stream_manager.recordings.deletions import DayOfSource, DeletionCounts

MONDAY, TUESDAY, WEDNESDAY = (date(2026, 5, day) for day in (4, 5, 6))


def test_the_files_of_a_day_are_summed_by_source() -> None:
    counts = DeletionCounts()
    for source, files in (("pond", 2), ("lake", 1), ("pond", 3)):
        counts.add(source, files, day=MONDAY)
    assert counts.take_before(TUESDAY) == {DayOfSource(MONDAY, "lake"): 1, DayOfSource(MONDAY, "pond"): 5}


def test_a_day_is_taken_once_and_after_its_end() -> None:
    counts = DeletionCounts()
    counts.add("pond", 2, day=MONDAY)
    counts.add("pond", 1, day=TUESDAY)
    assert counts.take_before(MONDAY) == {}
    assert counts.take_before(TUESDAY) == {DayOfSource(MONDAY, "pond"): 2}
    assert counts.take_before(TUESDAY) == {}
    assert counts.take_before(WEDNESDAY) == {DayOfSource(TUESDAY, "pond"): 1}


def test_the_counts_outlive_the_program(tmp_path: Path) -> None:
    path = tmp_path / "deleted.json"
    DeletionCounts(path).add("pond", 2, day=MONDAY)
    DeletionCounts(path).add("pond", 3, day=MONDAY)
    assert DeletionCounts(path).take_before(TUESDAY) == {DayOfSource(MONDAY, "pond"): 5}
    assert DeletionCounts(path).take_before(TUESDAY) == {}


@pytest.mark.parametrize("content", ["", "{", "[1]", '[["monday", "pond", 1]]', '[["2026-05-04", "pond", null]]', "5"])
def test_a_damaged_file_counts_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "deleted.json"
    path.write_text(content)
    assert DeletionCounts(path).take_before(TUESDAY) == {}


def test_a_disk_that_fails_does_not_matter_while_the_program_runs(tmp_path: Path) -> None:
    counts = DeletionCounts(tmp_path / "missing" / "deleted.json")
    counts.add("pond", 2, day=MONDAY)
    assert counts.take_before(TUESDAY) == {DayOfSource(MONDAY, "pond"): 2}
