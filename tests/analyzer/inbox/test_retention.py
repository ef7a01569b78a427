"""Which analyzed files are deleted."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from analyzer.inbox.retention import ParsedRetention
from tests.support.gap_clock import SetClock
from tidzam.audio.recording_time import TimeRules
from tidzam.config.edge import EdgeSettings
from tidzam.config.recording import KeepSettings
from tidzam.keep_marks import mark_of

MB = 1_000_000


def retention(folder: Path, clock: SetClock, **keep: Any) -> ParsedRetention:
    return ParsedRetention(EdgeSettings(folder=folder, parsed=KeepSettings(**keep)), TimeRules(), clock=clock)


def parsed(folder: Path, minute: int, *, kind: str = "parsed") -> Path:
    """A file of 1 MB."""
    path = folder / f"audio-{kind}" / f"pond-2026-05-01-06-{minute:02d}-00.flac"
    for name in ("parsed", "rejected"):
        (folder / f"audio-{name}").mkdir(exist_ok=True)
    path.write_bytes(bytes(MB))
    time_s = datetime.fromisoformat(f"2026-05-01T06:{minute:02d}:59+00:00").timestamp()
    os.utime(path, (time_s, time_s))
    return path


def test_the_oldest_go_until_the_others_fit(tmp_path: Path) -> None:
    files = [parsed(tmp_path, minute) for minute in (1, 2, 3)]
    assert retention(tmp_path, SetClock(), max_gb=0.002).apply() == files[:1]
    assert [path.exists() for path in files] == [False, True, True]


def test_rejected_files_count_too(tmp_path: Path) -> None:
    old, new = parsed(tmp_path, 1, kind="rejected"), parsed(tmp_path, 2)
    assert retention(tmp_path, SetClock(), max_gb=0.001).apply() == [old]
    assert new.exists()


def test_a_marked_file_stays(tmp_path: Path) -> None:
    old, new = parsed(tmp_path, 1), parsed(tmp_path, 2)
    mark_of(old).touch()
    assert retention(tmp_path, SetClock(), max_gb=0.001).apply() == [new]


def test_without_limits_all_stay(tmp_path: Path) -> None:
    parsed(tmp_path, 1)
    assert retention(tmp_path, SetClock()).apply() == []


def test_it_is_applied_once_per_minute_or_at_once(tmp_path: Path) -> None:
    clock = SetClock()
    one = retention(tmp_path, clock, max_gb=0.001)
    parsed(tmp_path, 1)
    assert one.apply() == []
    parsed(tmp_path, 2)
    assert one.apply() == []
    assert len(one.apply(now=True)) == 1
