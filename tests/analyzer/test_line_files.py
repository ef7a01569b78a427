"""Result files that hold whole lines, whatever happened: daily files, power cuts, kill -9, a full disk."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analyzer.sinks.base import SinkContext
from analyzer.sinks.csv_file import CsvSink
from analyzer.sinks.json_lines import JsonLinesSink
from analyzer.sinks.line_file import LineFile
from tests.support.batches import LABELS, START, Batches
from tests.support.eventually import eventually
from tidzam.config.sinks import CsvSinkSettings, JsonLinesSinkSettings
from tidzam.errors import TidzamError

CONTEXT = SinkContext(node="garden", labels=LABELS)
FIRST, SECOND = date(2026, 5, 1), date(2026, 5, 2)


def written(path: Path, *lines: bytes, **options: Any) -> None:
    file = LineFile(path, **options)
    file.open()
    for line in lines:
        file.append(line)
    file.close()


def test_a_new_file_begins_with_the_header(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", b"1\n", header=b"n\n")
    assert (tmp_path / "a.csv").read_bytes() == b"n\n1\n"


def test_a_file_is_continued(tmp_path: Path) -> None:
    for line in (b"1\n", b"2\n"):
        written(tmp_path / "a.csv", line, header=b"n\n")
    assert (tmp_path / "a.csv").read_bytes() == b"n\n1\n2\n"


@pytest.mark.parametrize("rest", [b"half", b"x" * 200_000])
def test_a_half_line_of_a_power_cut_is_cut_off(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(b"n\n1\n" + rest)
    written(tmp_path / "a.csv", b"2\n", header=b"n\n")
    assert (tmp_path / "a.csv").read_bytes() == b"n\n1\n2\n"


def test_a_half_header_is_completed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"numb")
    written(tmp_path / "a.csv", b"1\n", header=b"number\n")
    assert (tmp_path / "a.csv").read_bytes() == b"number\n1\n"


def test_a_file_with_another_header_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"other\n1")
    with pytest.raises(TidzamError, match="has other columns than number"):
        written(tmp_path / "a.csv", header=b"number\n")
    assert (tmp_path / "a.csv").read_bytes() == b"other\n1"


def test_a_daily_file_is_named_by_its_day(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "a.csv", header=b"n\n", daily=True)
    for line, day in ((b"1\n", FIRST), (b"2\n", SECOND), (b"3\n", FIRST)):
        file.append(line, day)
    file.close()
    assert (tmp_path / "a-2026-05-01.csv").read_bytes() == b"n\n1\n3\n"
    assert (tmp_path / "a-2026-05-02.csv").read_bytes() == b"n\n2\n"
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("daily", [False, True])
def test_a_file_that_was_moved_away_is_begun_again(tmp_path: Path, daily: bool) -> None:
    file = LineFile(tmp_path / "a.csv", header=b"n\n", daily=daily)
    file.append(b"1\n", FIRST)
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / "old")
    file.append(b"2\n", FIRST)
    file.append(b"3\n", FIRST)
    assert path.read_bytes() == b"n\n2\n3\n"


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(TidzamError, match="No space left on device"):
        written(Path("/dev/full"), b"1\n")


async def test_rows_go_to_the_day_on_which_the_detection_started(tmp_path: Path) -> None:
    before_midnight = round((datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC) - START) / timedelta(seconds=1))
    source, sink = Batches(), CsvSink(CsvSinkSettings(path=tmp_path / "found.csv", daily=True), CONTEXT)
    await sink.open()
    await sink.deliver(source.batch(before_midnight, pond_0="birds"))
    await sink.deliver(source.batch(before_midnight + 1, pond_0="frogs"))
    await sink.deliver(source.last())
    await sink.close()
    days = [tmp_path / "found-2026-05-01.csv", tmp_path / "found-2026-05-02.csv"]
    assert [path.read_text().count("\n") for path in days] == [2, 2]


async def test_a_json_line_is_a_detection_event(tmp_path: Path) -> None:
    source = Batches()
    sink = JsonLinesSink(JsonLinesSinkSettings(path=tmp_path / "a.jsonl", states=("start", "end")), CONTEXT)
    await sink.open()
    await sink.deliver(source.batch(0, pond_0="birds"))
    await sink.deliver(source.last())
    await sink.close()
    events = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [(event["state"], event["node"], event["path"]) for event in events] == [
        ("start", "garden", ["birds"]),
        ("end", "garden", ["birds"]),
    ]


_ENDLESS = """
import sys
from pathlib import Path
from analyzer.sinks.line_file import LineFile
file = LineFile(Path(sys.argv[1]), header=b"n" * 50 + b"\\n")
while True:
    file.append((b"x" * 996 + b"\\n") * 7) if file._file else file.open()
"""


def test_after_kill_9_the_file_is_continued_with_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", _ENDLESS, str(path)])
        size = path.stat().st_size if path.exists() else 0
        eventually(lambda size=size: path.exists() and path.stat().st_size > size + 100_000)  # type: ignore[misc]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        written(path, header=b"n" * 50 + b"\n")
        lines = path.read_bytes().split(b"\n")
        assert {len(line) for line in lines} == {50, 996, 0}
