"""The index of segments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tidzam.segments import Segment, SegmentIndex

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def segment(number: int, source: str = "pond", max_amp: float = 0.5) -> Segment:
    return Segment(source, START + number * timedelta(seconds=3), max_amp, f"2026-05-01/{source}-{number}.flac")


@pytest.fixture
def index(tmp_path: Path) -> SegmentIndex:
    return SegmentIndex(tmp_path)


def test_an_index_that_does_not_exist_has_no_segments(index: SegmentIndex, tmp_path: Path) -> None:
    assert not list(index.find())
    assert not list(tmp_path.iterdir())


def test_segments_are_found_in_the_order_of_time(index: SegmentIndex) -> None:
    for number in (2, 0, 1):
        index.add(segment(number))
    assert list(index.find()) == [segment(0), segment(1), segment(2)]


def test_segments_are_found_by_source_time_and_peak(index: SegmentIndex) -> None:
    for one in (segment(0), segment(1, max_amp=0.1), segment(2), segment(2, "lake"), segment(3)):
        index.add(one)
    found = index.find("pond", since=segment(1).datetime, until=segment(3).datetime, min_amp=0.2)
    assert list(found) == [segment(2)]


def test_a_file_has_one_row(index: SegmentIndex) -> None:
    index.add(segment(1))
    index.add(segment(1, max_amp=0.7))
    assert [one.max_amp for one in index.find()] == [0.7]


def test_removed_segments_are_not_found(index: SegmentIndex) -> None:
    for number in range(3):
        index.add(segment(number))
    index.remove([segment(0).filepath, segment(2).filepath, "unknown.flac"])
    assert list(index.find()) == [segment(1)]


def test_it_is_read_while_it_is_written(index: SegmentIndex, tmp_path: Path) -> None:
    def write() -> None:
        for number in range(50):
            index.add(segment(number))

    writing = threading.Thread(target=write)
    writing.start()
    counts = [0]
    while writing.is_alive():
        counts.append(len(list(SegmentIndex(tmp_path).find())))
    assert counts == sorted(counts)
    assert len(list(index.find())) == 50


def test_several_writers_and_readers_begin_at_once(tmp_path: Path) -> None:
    def begin(number: int, folder: Path, together: threading.Barrier) -> None:
        together.wait()
        if number % 2:
            SegmentIndex(folder).add(segment(number))
        else:
            list(SegmentIndex(folder).find())

    with ThreadPoolExecutor(6) as threads:
        for name in map(str, range(20)):
            (tmp_path / name).mkdir()
            together = threading.Barrier(6)
            running = [threads.submit(begin, number, tmp_path / name, together) for number in range(6)]
            assert [one.exception() for one in running] == [None] * 6
            assert len(list(SegmentIndex(tmp_path / name).find())) == 3


def test_a_killed_writer_leaves_whole_rows(tmp_path: Path) -> None:
    program = f"""
import itertools
from pathlib import Path
from tests.tidzam.test_segments import SegmentIndex, segment
index = SegmentIndex(Path({str(tmp_path)!r}))
for number in itertools.count():
    index.add(segment(number))
"""
    with subprocess.Popen([sys.executable, "-c", program]) as writer:
        index = SegmentIndex(tmp_path)
        eventually(lambda: len(list(index.find())) > 5)
        os.kill(writer.pid, signal.SIGKILL)
    found = list(index.find())
    assert found == [segment(number) for number in range(len(found))]
