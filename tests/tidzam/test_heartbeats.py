"""Heartbeats: only a program that advances, or has nothing to do, touches its file."""

from __future__ import annotations

from pathlib import Path

from tests.support.eventually import eventually
from tidzam.heartbeats import WorkProgress, beat, heartbeat, heartbeat_file


class Clock:
    """Seconds that pass when a test says so."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_program_that_waits_is_alive_however_long_that_takes() -> None:
    clock = Clock()
    progress = WorkProgress(stalled_s=60, now=clock)
    clock.now_s = 1e6
    assert progress.is_alive


def test_work_that_does_not_advance_hangs() -> None:
    clock = Clock()
    progress = WorkProgress(stalled_s=60, now=clock)
    progress.advance()
    clock.now_s = 59.0
    assert progress.is_alive
    clock.now_s = 60.0
    assert not progress.is_alive


def test_work_that_ends_or_advances_late_is_alive_again() -> None:
    clock = Clock()
    progress = WorkProgress(stalled_s=60, now=clock)
    progress.advance()
    clock.now_s = 100.0
    progress.advance()
    assert progress.is_alive
    clock.now_s = 300.0
    progress.wait()
    assert progress.is_alive


def test_the_file_is_touched_while_there_is_nothing_to_do(tmp_path: Path) -> None:
    file = heartbeat_file(tmp_path, "inference")
    with heartbeat(file, WorkProgress(stalled_s=60)):
        eventually(file.exists)
    assert file == tmp_path / "inference.beat"


def test_the_file_is_not_touched_while_work_hangs(tmp_path: Path) -> None:
    clock = Clock()
    progress = WorkProgress(stalled_s=60, now=clock)
    progress.advance()
    clock.now_s = 60.0
    with heartbeat(tmp_path / "hangs.beat", progress), heartbeat(tmp_path / "well.beat", WorkProgress(stalled_s=1)):
        eventually((tmp_path / "well.beat").exists)
    assert not (tmp_path / "hangs.beat").exists()


def test_a_beat_changes_the_time_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "one.beat"
    beat(file)
    before = file.stat().st_mtime_ns

    def changed() -> bool:
        beat(file)
        return file.stat().st_mtime_ns > before

    eventually(changed)
