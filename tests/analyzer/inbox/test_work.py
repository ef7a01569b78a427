"""What becomes of files: kept, deleted or rejected; and what is put right after a power cut."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from analyzer.archive.job import FileJob, FileOutcome
from analyzer.inbox.detection_log import HEADER
from analyzer.inbox.entries import InboxCounts, InboxEntry
from analyzer.inbox.filing import put_away, sought, target_of
from analyzer.inbox.folder import WaitingFile, WaitingFiles
from analyzer.inbox.journal import InboxJournal
from analyzer.inbox.work import REJECTED_AFTER, FinishedFile, InboxWork
from tests.support.inbox import name_of, settings_of, work_off
from tests.support.reports import START, file_report
from tests.support.sound import tone
from tidzam.audio.recording_time import TimeRules
from tidzam.config.edge import EdgeSettings
from tidzam.edge_folders import EdgeFolders
from tidzam.errors import TidzamError
from tidzam.results import Detection

RATE_HZ = 22050


@pytest.fixture
def node(tmp_path: Path) -> Path:
    folders = EdgeFolders(tmp_path / "audio")
    for folder in (folders.to_parse, folders.parsed, folders.rejected):
        folder.mkdir(parents=True)
    return tmp_path


@pytest.fixture
def journal(node: Path) -> Iterator[InboxJournal]:
    with InboxJournal(node / "inference.journal") as made:
        yield made


def arrive(node: Path, number: int = 0, *, hz: float = 2000.0, name: str = "") -> Path:
    """A second of a tone in `audio-to-parse`; without one, of silence."""
    path = node / "audio/audio-to-parse" / (name or name_of(number))
    soundfile.write(path, tone(*([hz] if hz else []), rate_hz=RATE_HZ, amplitude=0.9), RATE_HZ, subtype="PCM_16")
    return path


def make_work(node: Path, nn: Path, journal: InboxJournal, **edge: Any) -> InboxWork:
    settings = settings_of(node, nn, **edge)

    def job(file: WaitingFile) -> FileJob:
        return FileJob(number=0, path=file.path, source=file.source, settings=settings.analyzer, node="n")

    return InboxWork(settings.edge, journal, job)


def process(work: InboxWork) -> Sequence[FinishedFile | None]:
    return [work.process(file) for file in WaitingFiles(work.folders.to_parse, TimeRules()).scan()]


def files(node: Path, folder: str) -> list[str]:
    return sorted(path.name for path in (node / "audio" / folder).iterdir())


def table(node: Path) -> list[bytes]:
    """The names of files in the rows of the only CSV file."""
    (path,) = node.glob("detections*.csv")
    header, *rows = path.read_bytes().splitlines(keepends=True)
    assert header == HEADER
    return [row.partition(b",")[0] for row in rows]


@pytest.mark.parametrize(
    ("keep", "parsed"), [("detections", [name_of(0)]), ("all", [name_of(0), name_of(1)]), ("none", [])]
)
def test_files_are_kept_as_the_settings_say(
    node: Path, nn: Path, journal: InboxJournal, keep: str, parsed: list[str]
) -> None:
    arrive(node, 0)
    arrive(node, 1, hz=0)
    process(make_work(node, nn, journal, keep=keep))
    assert files(node, "audio-parsed") == parsed
    assert files(node, "audio-to-parse") == []
    assert table(node) == [name_of(0).encode()]
    assert journal.counts() == InboxCounts(2, 1, 1, 0, 2.0)


def test_a_file_is_kept_for_some_classes_only(node: Path, nn: Path, journal: InboxJournal) -> None:
    arrive(node, 0, hz=500)
    arrive(node, 1)
    process(make_work(node, nn, journal, classes=("o*",)))
    assert files(node, "audio-parsed") == [name_of(1)]
    assert len(table(node)) == 2


def found(*labels: str) -> FileOutcome:
    detections = tuple(Detection(label, "pond", label, (label,), START, START, 0.9, 0.9, 1) for label in labels)
    return FileOutcome(file_report("a.wav"), found=detections)


def test_silence_keeps_no_file() -> None:
    assert not sought(found("silence", "background"), EdgeSettings())
    assert len(sought(found("silence", "owl"), EdgeSettings())) == 1


def test_a_file_with_speech_is_deleted(node: Path) -> None:
    settings = EdgeSettings(folder=node / "audio", keep="all")
    outcome, file = found("owl"), WaitingFile(Path("a.wav"), "a", None, (0, 0))
    assert outcome.report is not None
    for speech_s, target in ((0.0, "audio-parsed/a.wav"), (0.5, "")):
        privacy = {"channels": [{"channel": "a:out_0", "speech_s": speech_s}]}
        assert target_of(file, replace(outcome, report=replace(outcome.report, privacy=privacy)), settings) == target


@pytest.mark.parametrize(
    "content", [b"", b"no sound at all", b"RIFF\x24\x00\x00\x00WAVEfmt "], ids=["empty", "text", "torn"]
)
def test_what_is_no_audio_is_rejected_and_counted(
    node: Path, nn: Path, journal: InboxJournal, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    arrive(node, 1)
    (node / "audio/audio-to-parse" / name_of(0)).write_bytes(content)
    process(make_work(node, nn, journal))
    assert files(node, "audio-rejected") == [name_of(0)]
    assert files(node, "audio-parsed") == [name_of(1)]
    assert (journal.counts().rejected, journal.counts().analyzed) == (1, 1)
    assert f"{name_of(0)} is rejected" in caplog.text


def test_a_file_that_kills_the_process_again_and_again_is_rejected(
    node: Path, nn: Path, journal: InboxJournal, caplog: pytest.LogCaptureFixture
) -> None:
    arrive(node)
    (file,) = WaitingFiles(node / "audio/audio-to-parse", TimeRules()).scan()
    for times in range(REJECTED_AFTER):
        assert journal.begin(file) == times
    process(make_work(node, nn, journal))
    assert files(node, "audio-rejected") == [name_of(0)]
    assert "its analysis was killed 6 times" in caplog.text


def test_a_file_whose_analysis_is_stopped_stays_as_it_is(node: Path, nn: Path, journal: InboxJournal) -> None:
    arrive(node)
    work = make_work(node, nn, journal)
    (file,) = WaitingFiles(work.folders.to_parse, TimeRules()).scan()
    assert work.process(file, stopped=lambda: True) is None
    assert file.is_there
    assert journal.begin(file) == 0  # that says nothing about the file


def test_a_file_that_is_still_being_written_is_left_alone(node: Path, nn: Path, journal: InboxJournal) -> None:
    path = arrive(node)
    with path.open("ab"):
        assert process(make_work(node, nn, journal)) == [None]
    assert path.exists()
    assert files(node, "audio-rejected") == []


def test_a_file_that_is_gone_meanwhile_is_neither_rejected_nor_counted(
    node: Path, nn: Path, journal: InboxJournal
) -> None:
    """As a recorder that needs room may delete it."""
    path = arrive(node)
    (file,) = WaitingFiles(path.parent, TimeRules()).scan()
    path.unlink()
    assert make_work(node, nn, journal).process(file) is None
    assert journal.counts() == InboxCounts()
    assert journal.entries() == []


def test_a_file_of_the_same_name_does_not_replace_an_earlier_one(node: Path, nn: Path, journal: InboxJournal) -> None:
    work = make_work(node, nn, journal)
    for hz in (2000, 500):
        arrive(node, hz=hz)
        process(work)
    second = f"{Path(name_of(0)).stem}-2.wav"
    assert files(node, "audio-parsed") == sorted([name_of(0), second])
    assert table(node) == [name_of(0).encode(), second.encode()]


def test_a_name_that_is_not_utf_8_passes(node: Path, nn: Path, journal: InboxJournal) -> None:
    name = b"teich-\xe4.wav".decode(errors="surrogateescape")
    arrive(node).rename(node / "audio/audio-to-parse" / name)
    process(make_work(node, nn, journal))
    assert files(node, "audio-parsed") == [name]
    assert table(node) == [b"teich-\xe4.wav"]


def test_results_that_cannot_be_written_keep_the_file_until_they_can(
    node: Path, nn: Path, journal: InboxJournal
) -> None:
    path, blocked = arrive(node), node / "detections-2026-05-01.csv"
    blocked.mkdir()
    work = make_work(node, nn, journal)
    with pytest.raises(TidzamError, match="cannot be written"):
        process(work)
    assert path.exists()
    blocked.rmdir()
    work.recover()
    assert not path.exists()
    assert table(node) == [name_of(0).encode()]
    assert journal.counts().analyzed == 1


def test_moving_twice_is_moving_once(node: Path) -> None:
    path, folders = arrive(node), EdgeFolders(node / "audio")
    status = path.stat()
    entry = InboxEntry(path.name, (status.st_size, status.st_mtime_ns), "", b"", f"audio-parsed/{path.name}")
    for _ in range(2):
        put_away(entry, folders)
    assert files(node, "audio-parsed") == [path.name]


def test_a_new_file_of_the_name_is_not_taken_for_the_old_one(node: Path) -> None:
    path = arrive(node)
    put_away(InboxEntry(path.name, (1, 2), "", b"", ""), EdgeFolders(node / "audio"))
    assert path.exists()


def test_the_analysis_shows_that_it_advances(node: Path, nn: Path, journal: InboxJournal) -> None:
    sound = tone(2000.0, rate_hz=RATE_HZ, duration_s=30, amplitude=0.9)
    soundfile.write(node / "audio/audio-to-parse" / name_of(0), sound, RATE_HZ)
    work, steps = make_work(node, nn, journal), list[None]()
    (file,) = WaitingFiles(work.folders.to_parse, TimeRules()).scan()
    work.process(file, advance=lambda: steps.append(None))
    assert len(steps) > 3


def test_a_file_that_was_copied_and_not_yet_removed_is_moved(node: Path) -> None:
    """As a power cut leaves it, if `audio-parsed` is on another file system."""
    path, folders = arrive(node), EdgeFolders(node / "audio")
    status = path.stat()
    shutil.copy2(path, folders.parsed)
    (folders.parsed / ".tidzam-0123456789abcdef").write_bytes(path.read_bytes()[:100])
    put_away(InboxEntry(path.name, (status.st_size, status.st_mtime_ns), "", b"", f"audio-parsed/{path.name}"), folders)
    assert not path.exists()
    assert (folders.parsed / path.name).stat().st_size == status.st_size


def test_a_file_may_move_to_another_file_system(node: Path, nn: Path, journal: InboxJournal) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if Path(other).stat().st_dev == node.stat().st_dev:
            pytest.skip("there is only one file system")
        (node / "audio/audio-parsed").rmdir()
        (node / "audio/audio-parsed").symlink_to(other)
        sound = arrive(node).read_bytes()
        process(make_work(node, nn, journal))
        assert [path.read_bytes() for path in Path(other).iterdir()] == [sound]
    assert files(node, "audio-to-parse") == []


def test_a_power_cut_that_brings_a_deleted_file_back_changes_nothing(node: Path, nn: Path) -> None:
    """The file is back with its size and time, and the journal is as it was before the last commit."""
    path = arrive(node, hz=0)
    sound, status = path.read_bytes(), path.stat()
    with InboxJournal(node / "inference.journal") as journal:
        (file,) = WaitingFiles(path.parent, TimeRules()).scan()
        journal.begin(file)
        entry = InboxEntry(file.name, file.stamp, file.day, b"", "")
        journal.commit(entry, InboxCounts(analyzed=1))
        put_away(entry, EdgeFolders(node / "audio"))
    path.write_bytes(sound)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    work_off(node, settings_of(node, nn))
    assert not path.exists()
    with InboxJournal(node / "inference.journal") as journal:
        assert journal.counts().analyzed == 1


def test_a_torn_write_ahead_log_of_the_journal_is_survived(node: Path, nn: Path) -> None:
    """The last transaction is lost; what it had not done yet is done again, once."""
    for number in range(3):
        arrive(node, number)
    settings = settings_of(node, nn)
    journal = InboxJournal(node / "inference.journal")
    work = make_work(node, nn, journal)
    done = process(work)
    assert len(done) == 3
    log = node / "inference.journal-wal"
    torn = log.read_bytes()[:-100], (node / "inference.journal").read_bytes()
    journal.close()
    log.write_bytes(torn[0])
    (node / "inference.journal").write_bytes(torn[1])
    work_off(node, settings)
    assert table(node) == [name_of(number).encode() for number in range(3)]
    assert files(node, "audio-parsed") == [name_of(number) for number in range(3)]


def test_a_damaged_journal_is_set_aside(node: Path, nn: Path, caplog: pytest.LogCaptureFixture) -> None:
    arrive(node)
    path = node / "inference.journal"
    path.write_bytes(b"\xff" * 8192)
    work_off(node, settings_of(node, nn))
    assert files(node, "audio-parsed") == [name_of(0)]
    assert (node / "inference.journal.damaged").read_bytes() == b"\xff" * 8192
    assert "is damaged" in caplog.text


def test_one_process_at_a_time_uses_a_journal(node: Path, journal: InboxJournal) -> None:
    with pytest.raises(TidzamError, match="Another process uses") as caught:
        InboxJournal(node / "inference.journal")
    assert caught.value.code == "journal"


def test_sound_of_several_channels_is_analyzed(node: Path, nn: Path, journal: InboxJournal) -> None:
    both = np.stack([tone(2000.0, rate_hz=RATE_HZ, amplitude=0.9), tone(500.0, rate_hz=RATE_HZ, amplitude=0.9)], axis=1)
    soundfile.write(node / "audio/audio-to-parse" / name_of(0), both, RATE_HZ)
    process(make_work(node, nn, journal))
    assert journal.counts().detections == 2
