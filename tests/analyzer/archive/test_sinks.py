"""The sinks of an archive: the detections of whole files, in their order, once each, whatever interrupts the run."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from analyzer.archive.inputs import ArchiveFile
from analyzer.archive.job import FileOutcome
from analyzer.archive.journal import ArchiveJournal
from analyzer.archive.sinks import ArchiveSinks, chosen_sinks, sink_key
from analyzer.sinks.base import NamedSink
from analyzer.sinks.file_sinks import FileSinks
from tests.support.batches import START
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually_async
from tests.support.reports import file_report
from tests.support.sound import tone
from tests.support.web_receiver import web_receiver
from tidzam.config.mqtt_sink import MqttSinkSettings
from tidzam.config.sink_base import SinkSettings
from tidzam.config.sinks import ClipSinkSettings, CsvSinkSettings, JsonLinesSinkSettings
from tidzam.errors import ConfigError
from tidzam.results import AnalyzedBatch, Detection

pytestmark = pytest.mark.timeout(120)

FILES = [ArchiveFile(Path(f"{number}.wav"), Path(f"{number}.wav"), "pond", None, (10, 20)) for number in range(4)]
SETTINGS = JsonLinesSinkSettings(path=Path("found.jsonl"))


class Keeper:
    """A sink that keeps the ids of the detections that it takes; it fails while `faults` are left."""

    def __init__(self, faults: int = 0) -> None:
        self.taken: list[str] = []
        self.faults = faults

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        if self.faults:
            self.faults -= 1
            raise OSError("the disk is full")
        self.taken += (change.detection.id for change in analyzed.detections)


def outcome(number: int, *, dated: bool = True) -> FileOutcome:
    """Of a file with two detections, in the wrong order."""
    report = file_report(f"{number}.wav", dated=dated)
    found = [
        Detection(f"{number}-{s}", "pond:out_0", "owl", ("owl",), START + timedelta(seconds=s), START, 0.9, 0.9, 1, ())
        for s in (1, 0)
    ]
    return FileOutcome(report, found=tuple(found))


@contextmanager
def passing(keeper: Keeper, journal: ArchiveJournal, settings: SinkSettings = SETTINGS) -> Iterator[ArchiveSinks]:
    named = NamedSink("jsonl", keeper)
    with FileSinks([named], in_background=True) as opened:
        yield ArchiveSinks([(named, settings)], opened, journal, FILES)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[ArchiveJournal]:
    with closing(ArchiveJournal(tmp_path / "found.journal", "mark")) as made:
        yield made


def test_files_are_passed_on_in_their_order_as_soon_as_those_before_are_finished(journal: ArchiveJournal) -> None:
    keeper, pending = Keeper(), {0, 1, 2, 3}
    with passing(keeper, journal) as sinks:
        for number, taken in ((1, 0), (0, 4), (3, 4), (2, 8)):
            journal.add(FILES[number], outcome(number))
            pending.discard(number)
            sinks.advance(pending)
            assert len(keeper.taken) == taken
    assert keeper.taken == [f"{number}-{second}" for number in range(4) for second in (0, 1)]


def test_a_file_that_failed_does_not_hold_up_the_others(journal: ArchiveJournal) -> None:
    keeper = Keeper()
    journal.add(FILES[0], FileOutcome.failed("audio_empty", "empty"))
    journal.add(FILES[1], outcome(1))
    with passing(keeper, journal) as sinks:
        sinks.advance({2, 3})
    assert keeper.taken == ["1-0", "1-1"]


def test_a_run_that_is_continued_passes_nothing_on_twice(journal: ArchiveJournal) -> None:
    keeper = Keeper()
    for done in (1, 3):
        for number in range(done):
            journal.add(FILES[number], outcome(number))
        with passing(keeper, journal) as sinks:
            sinks.advance(set(range(done, 4)))
    assert len(keeper.taken) == len(set(keeper.taken)) == 6


def test_what_a_sink_did_not_take_is_passed_on_by_the_next_run(journal: ArchiveJournal) -> None:
    keeper = Keeper(faults=1)
    for number in range(2):
        journal.add(FILES[number], outcome(number))
    with passing(keeper, journal) as sinks:
        sinks.advance({2, 3})
    assert sinks.errors == {"jsonl": 1}
    with passing(keeper, journal) as sinks:
        sinks.advance({2, 3})
    assert keeper.taken == ["1-0", "1-1", "0-0", "0-1"]


def test_a_sink_that_is_new_receives_what_was_analyzed_before(journal: ArchiveJournal) -> None:
    journal.add(FILES[0], outcome(0))
    keepers = [Keeper(), Keeper()]
    for keeper, path in zip(keepers, ("a.jsonl", "b.jsonl"), strict=True):
        with passing(keeper, journal, JsonLinesSinkSettings(path=Path(path))) as sinks:
            sinks.advance({1, 2, 3})
    assert keepers[0].taken == keepers[1].taken == ["0-0", "0-1"]


def test_a_file_without_a_date_is_not_passed_on(journal: ArchiveJournal) -> None:
    keeper = Keeper()
    journal.add(FILES[0], outcome(0, dated=False))
    with passing(keeper, journal) as sinks:
        sinks.advance({1, 2, 3})
    assert keeper.taken == []


def test_the_key_of_a_sink_holds_no_secret() -> None:
    first, second = (MqttSinkSettings(host="localhost", password=word) for word in ("one", "two"))
    assert sink_key("mqtt", first) == sink_key("mqtt", second)


SINKS = (
    ClipSinkSettings(folder=Path("clips")),
    CsvSinkSettings(path=Path("a.csv")),
    MqttSinkSettings(host="localhost"),
    CsvSinkSettings(path=Path("b.csv")),
)


@pytest.mark.parametrize(
    ("wanted", "names"), [(None, ["csv", "csv-2"]), ((), []), (("mqtt", "csv-2"), ["mqtt", "csv-2"])]
)
def test_sinks_that_keep_results_run_by_default(wanted: Sequence[str] | None, names: list[str]) -> None:
    assert list(chosen_sinks(SINKS, wanted)) == names


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [("clips", "does not run for archives"), ("csv-3", "does not exist. Those that can: csv, mqtt")],
)
def test_a_sink_that_cannot_run_is_refused_with_those_that_can(wanted: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        chosen_sinks(SINKS, [wanted])


def archive_in(folder: Path, files: int, seconds: int) -> Path:
    """Recordings of an hour each, with an owl in every other second."""
    (folder / "in").mkdir()
    write_tone_bundle(folder / "nn", "selector", {"owl": (2000.0,), "rain": (500.0,)})
    samples = np.concatenate([tone(), tone(2000.0, amplitude=0.9)] * (seconds // 2))
    for number in range(files):
        soundfile.write(folder / "in" / f"pond-2026-05-01-{number:02d}-00-00.flac", samples, 44100)
    return folder / "in"


async def started(folder: Path, *words: str) -> asyncio.subprocess.Process:
    argv = ["-m", "analyzer", "--stream", str(folder / "in"), "--nn", str(folder / "nn"), "--overlap", "0.9"]
    profile = ["--profile", str(folder / "profile.yaml"), "--jobs", "1"]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, *argv, *profile, *words, stdout=pipe, stderr=pipe)


async def test_a_killed_run_is_continued_and_every_detection_arrives_once(tmp_path: Path) -> None:
    files, seconds = 4, 10
    archive_in(tmp_path, files, seconds)
    lines, home = tmp_path / "found.jsonl", tmp_path / "home"
    async with web_receiver() as server:
        sinks = [{"type": "jsonl", "path": str(lines)}, {"type": "influxdb", "url": server.url, "collect_s": 0}]
        profile: dict[str, Any] = {"home": str(home), "analyzer": {"sinks": sinks}}
        (tmp_path / "profile.yaml").write_text(json.dumps(profile))
        process = await started(tmp_path)
        await eventually_async(lambda: lines.exists() and lines.read_text().count("\n") > seconds // 2, within_s=60)
        os.kill(process.pid, 9)
        await process.communicate()
        process = await started(tmp_path)
        _, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert "analyzed before" in err.decode()
    starts = [json.loads(line)["start"] for line in lines.read_text().splitlines()]
    assert len(starts) == files * seconds // 2
    assert starts == sorted(set(starts))
    assert len({point.rsplit(" ", 1)[1] for point in server.lines}) == files * seconds // 2
    assert not list((home / "spool").glob("archive-*"))
