"""The ledger over the life and death of its program, on a clock that the test moves."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.gap_clock import NOON, SetClock
from tidzam.gaps import ALL, Gap, GapLedger, GapReason
from tidzam.gaps.day_files import append, read_day, read_open
from tidzam.gaps.heard import Heard
from tidzam.gaps.open_state import BEAT_S
from tidzam.gaps.report import read_report, recorded_days

DAY = NOON.date()


def ledger(folder: Path, clock: SetClock, *, keep_days: int | None = None) -> GapLedger:
    return GapLedger(folder, writer="stream_manager", keep_days=keep_days, clock=clock)


def live(one: GapLedger, clock: SetClock, seconds: float) -> None:
    """Let the time pass, with beats."""
    for _ in range(round(seconds / BEAT_S)):
        clock.pass_s(BEAT_S)
        one.beat()


def row(folder: Path, now: datetime, day: date = DAY) -> Heard:
    (found,) = read_report(folder, day, now).channels
    return found


def test_what_is_open_counts_up_to_now(tmp_path: Path) -> None:
    clock = SetClock()
    one = ledger(tmp_path, clock)
    one.load("pond", 1)
    live(one, clock, 60)
    one.begin("pond", GapReason.SOURCE_DOWN)
    live(one, clock, 30)
    found = row(tmp_path, clock.utc)
    assert (found.loaded_s, found.heard_s, found.missing_s) == (90, 60, {GapReason.SOURCE_DOWN: 30})


def test_after_a_kill_the_time_until_the_next_start_is_a_gap(tmp_path: Path) -> None:
    clock = SetClock()
    killed = ledger(tmp_path, clock)
    killed.load("pond", 1)
    live(killed, clock, 100)
    clock.pass_s(300)
    again = ledger(tmp_path, clock)
    again.load("pond", 1)
    live(again, clock, 100)
    found = row(tmp_path, clock.utc)
    assert (found.loaded_s, found.heard_s, found.missing_s) == (500, 200, {GapReason.NODE_DOWN: 300})


def test_a_gap_that_was_open_at_a_kill_ends_at_the_last_sign_of_life(tmp_path: Path) -> None:
    clock = SetClock()
    killed = ledger(tmp_path, clock)
    killed.load("pond", 1)
    killed.begin("pond", GapReason.NETWORK)
    live(killed, clock, 50)
    clock.pass_s(200)
    ledger(tmp_path, clock)
    assert [(gap.reason, gap.seconds) for gap in read_day(tmp_path, DAY).records if isinstance(gap, Gap)] == [
        (GapReason.NETWORK, 50),
        (GapReason.NODE_DOWN, 200),
    ]


def test_a_program_that_is_dead_now_is_reported_as_down(tmp_path: Path) -> None:
    clock = SetClock()
    killed = ledger(tmp_path, clock)
    killed.load("pond", 1)
    live(killed, clock, 100)
    clock.pass_s(400)
    found = row(tmp_path, clock.utc)
    assert (found.heard_s, found.missing_s) == (100, {GapReason.NODE_DOWN: 400})


def test_a_source_that_does_not_return_is_not_missed(tmp_path: Path) -> None:
    clock = SetClock()
    killed = ledger(tmp_path, clock)
    killed.load("pond", 1, returns=False)
    live(killed, clock, 100)
    clock.pass_s(400)
    ledger(tmp_path, clock)
    assert row(tmp_path, clock.utc).loaded_s == 100


def test_nothing_is_expected_of_a_node_that_was_stopped(tmp_path: Path) -> None:
    clock = SetClock()
    stopped = ledger(tmp_path, clock)
    stopped.load("pond", 1)
    live(stopped, clock, 100)
    stopped.close(keep=False)
    clock.pass_s(5000)
    ledger(tmp_path, clock)
    assert row(tmp_path, clock.utc).loaded_s == 100


def test_a_node_that_is_restarted_is_missed_meanwhile(tmp_path: Path) -> None:
    clock = SetClock()
    stopped = ledger(tmp_path, clock)
    stopped.load("pond", 1)
    live(stopped, clock, 100)
    stopped.close(keep=True)
    stopped.unload("pond")
    clock.pass_s(5)
    ledger(tmp_path, clock)
    assert row(tmp_path, clock.utc).missing_s == {GapReason.NODE_DOWN: 5}


@pytest.mark.parametrize("jump_s", [7200, -7200, 86400 * 400, -86400 * 400, 1.5, -1.5])
def test_a_clock_that_is_set_changes_no_length(tmp_path: Path, jump_s: float) -> None:
    clock = SetClock()
    one = ledger(tmp_path, clock)
    one.load("pond", 1)
    live(one, clock, 100)
    one.begin("pond", GapReason.NETWORK)
    live(one, clock, 20)
    clock.set_by(jump_s)
    live(one, clock, 20)
    one.end("pond", GapReason.NETWORK)
    one.close(keep=False)
    records = [record for day in recorded_days(tmp_path) for record in read_day(tmp_path, day).records]
    gaps = [record for record in records if isinstance(record, Gap)]
    assert all(record.start < record.end for record in records)
    assert sum((record.end - record.start).total_seconds() for record in records) == 140 + 40
    assert sum(gap.seconds for gap in gaps) == 40
    assert sum(gap.count for gap in gaps) == 1


@pytest.mark.parametrize("jump_s", [3600.0, -7200.0])
def test_once_the_clock_was_checked_nobody_takes_the_program_for_dead(tmp_path: Path, jump_s: float) -> None:
    clock = SetClock()
    one = ledger(tmp_path, clock)
    one.load("pond", 1)
    live(one, clock, 60)
    clock.set_by(jump_s)
    clock.pass_s(1)
    one.check_clock()
    found = row(tmp_path, clock.utc)
    assert (found.heard_s, found.missing_s) == (61, {})


def test_time_for_which_the_machine_was_suspended_is_a_gap(tmp_path: Path) -> None:
    clock = SetClock()
    one = ledger(tmp_path, clock)
    one.load("pond", 1)
    live(one, clock, 100)
    clock.pass_s(600, asleep=True)
    one.beat()
    assert row(tmp_path, clock.utc).missing_s == {GapReason.NODE_DOWN: 600}


def test_midnight_divides_what_is_open(tmp_path: Path) -> None:
    clock = SetClock(datetime.fromisoformat("2026-11-27T23:59:00Z"))
    one = ledger(tmp_path, clock)
    one.load("pond", 1)
    one.begin("pond", GapReason.SOURCE_DOWN)
    live(one, clock, 300)
    one.end("pond", GapReason.SOURCE_DOWN)
    next_day = DAY + timedelta(days=1)
    assert recorded_days(tmp_path) == (DAY, next_day)
    assert row(tmp_path, clock.utc).missing_s == {GapReason.SOURCE_DOWN: 60}
    assert row(tmp_path, clock.utc, next_day).missing_s == {GapReason.SOURCE_DOWN: 240}


def test_a_lost_file_of_open_records_costs_at_most_an_hour(tmp_path: Path) -> None:
    clock = SetClock()
    one = ledger(tmp_path, clock)
    one.load("pond", 1)
    live(one, clock, 4 * 3600)
    for path in tmp_path.glob("*.open.json"):
        path.write_text("", encoding="utf-8")
    assert row(tmp_path, clock.utc).heard_s >= 3 * 3600


def test_a_torn_line_is_skipped_and_spoils_no_other(tmp_path: Path) -> None:
    gap = Gap("pond", NOON, NOON + timedelta(seconds=1), GapReason.XRUN)
    append(tmp_path, gap)
    with (tmp_path / f"{DAY}.jsonl").open("ab") as file:
        file.write(b'{"kind":"gap","channel":"po')
    append(tmp_path, gap)
    assert read_day(tmp_path, DAY).records == (gap, gap)
    assert read_day(tmp_path, DAY).damaged == 1


def test_days_are_kept_unless_a_number_of_them_is_set(tmp_path: Path) -> None:
    for age in (0, 1, 2, 3, 400):
        (tmp_path / f"{DAY - timedelta(days=age)}.jsonl").touch()
    (tmp_path / "notes-2020-01-01.jsonl").touch()
    ledger(tmp_path, SetClock())
    assert len(recorded_days(tmp_path)) == 5
    clock = SetClock()
    one = ledger(tmp_path, clock, keep_days=2)
    assert len(recorded_days(tmp_path)) == 5, "the clock may be wrong at first"
    live(one, clock, 86_400 + 3600)
    assert recorded_days(tmp_path) == (DAY - timedelta(days=1), DAY)
    assert (tmp_path / "notes-2020-01-01.jsonl").exists()


def test_no_day_is_deleted_when_the_clock_is_set_forward(tmp_path: Path) -> None:
    clock = SetClock()
    one = ledger(tmp_path, clock, keep_days=2)
    one.load("pond", 1)
    for _ in range(30):
        clock.pass_s(3600)
        one.beat()
    clock.set_by(400 * 86_400)
    one.check_clock()
    ledger(tmp_path, clock, keep_days=2)
    assert recorded_days(tmp_path)[:2] == (DAY, DAY + timedelta(days=1))


def test_records_wait_while_the_folder_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, folder = SetClock(), tmp_path / "gaps"
    folder.touch()
    with caplog.at_level(logging.ERROR):
        one = ledger(folder, clock)
        one.load("pond", 1)
        one.add("pond", GapReason.NETWORK, 3.0)
        live(one, clock, 50)
    assert len(caplog.records) <= 2
    folder.unlink()
    folder.mkdir()
    live(one, clock, 10)
    one.close(keep=False)
    assert row(folder, clock.utc).missing_s == {}, "the gap ended before the source was loaded"
    assert any(isinstance(record, Gap) for record in read_day(folder, DAY).records)


def test_the_totals_count_overlapping_gaps_once_and_gaps_everywhere_for_each_source() -> None:
    clock = SetClock()
    one = GapLedger(None, writer="test", clock=clock)
    one.load("pond", 1)
    one.begin(ALL, GapReason.JACK_DOWN)
    clock.pass_s(2)
    one.begin("pond", GapReason.SOURCE_DOWN)
    one.load("lake", 1)
    clock.pass_s(3)
    one.end(ALL, GapReason.JACK_DOWN)
    clock.pass_s(1)
    pond, lake = one.totals("pond"), one.totals("lake")
    assert (pond.seconds, lake.seconds) == (6, 3)
    assert pond.by_reason == {GapReason.JACK_DOWN: 5, GapReason.SOURCE_DOWN: 4}
    assert pond.last is not None
    assert pond.last.end is None
    assert pond.last.reason is GapReason.SOURCE_DOWN


def test_gaps_of_an_unloaded_source_end_with_it(tmp_path: Path) -> None:
    clock = SetClock()
    one = ledger(tmp_path, clock)
    one.load("pond", 2)
    one.begin("pond", GapReason.SOURCE_DOWN)
    one.begin("pond:out_1", GapReason.STUCK)
    clock.pass_s(5)
    one.unload("pond")
    state = read_open(tmp_path, "stream_manager")
    assert state is not None
    assert (state.sources, state.gaps) == ((), ())


WRITES_UNTIL_KILLED = """
import sys
from pathlib import Path
from tidzam.gaps import GapLedger, GapReason
ledger = GapLedger(Path(sys.argv[1]), writer=sys.argv[2])
ledger.load(sys.argv[2], 1)
print(flush=True)
while True:
    ledger.add(sys.argv[2], GapReason.NETWORK, 1.5)
"""


def _have_written(folder: Path, *channels: str) -> bool:
    """Whether there are 100 kB of gaps, with some of each channel."""
    written = b"".join(path.read_bytes() for path in folder.glob("*.jsonl"))
    return len(written) > 100_000 and all(f'"{channel}"'.encode() in written for channel in channels)


def test_programs_that_write_together_and_are_killed_leave_only_whole_lines(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", WRITES_UNTIL_KILLED, str(tmp_path)]
    writers = [subprocess.Popen([*argv, name], stdout=subprocess.PIPE) for name in ("one", "two")]
    try:
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        eventually(lambda: _have_written(tmp_path, "one", "two"))
    finally:
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate()
    found = [read_day(tmp_path, day) for day in recorded_days(tmp_path)]
    assert sum(day.damaged for day in found) == 0
    assert {record.channel for day in found for record in day.records if isinstance(record, Gap)} == {"one", "two"}
    assert all(read_open(tmp_path, name) is not None for name in ("one", "two"))
