from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.archive.inputs import ArchiveFile
from analyzer.archive.job import FileOutcome
from analyzer.archive.journal import ArchiveJournal, fingerprint
from tests.support.bundles import write_tone_bundle
from tests.support.reports import detection_row, file_report
from tidzam.config.clips import ClipBudget
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import ClipSinkSettings, CsvSinkSettings, SinkSettings
from tidzam.errors import TidzamError


def archive_file(name: str, stamp: tuple[int, int] = (1, 2)) -> ArchiveFile:
    return ArchiveFile(Path(name), Path(name), "pond", None, stamp)


ANALYZED = FileOutcome(file_report("a.wav", [detection_row("owl", 1.0, 3.0)], channels=2), None, ("a remark",))
FAILED = FileOutcome.failed("audio_empty", "b.wav holds no audio.")


def test_an_outcome_is_read_back(tmp_path: Path) -> None:
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        journal.add(archive_file("a.wav"), ANALYZED)
        journal.add(archive_file("b.wav"), FAILED)
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        assert journal.outcome(archive_file("a.wav")) == ANALYZED
        assert journal.outcome(archive_file("b.wav")) == FAILED
        assert journal.outcome(archive_file("c.wav")) is None


def test_a_failed_file_is_not_finished(tmp_path: Path) -> None:
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        journal.add(archive_file("a.wav"), ANALYZED)
        journal.add(archive_file("b.wav"), FAILED)
        assert journal.is_finished(archive_file("a.wav"))
        assert not journal.is_finished(archive_file("b.wav"))


def test_a_file_whose_clips_could_not_be_written_is_not_finished(tmp_path: Path) -> None:
    incomplete = FileOutcome(replace(file_report("a.wav"), sink_errors={"clips": 3}))
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        journal.add(archive_file("a.wav"), incomplete)
        assert not journal.is_finished(archive_file("a.wav"))
        assert journal.outcome(archive_file("a.wav")) == incomplete


def test_a_changed_file_is_not_finished(tmp_path: Path) -> None:
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        journal.add(archive_file("a.wav"), ANALYZED)
        assert not journal.is_finished(archive_file("a.wav", (1, 3)))
        assert journal.outcome(archive_file("a.wav", (2, 2))) is None


@pytest.mark.parametrize(("mark", "resume", "discarded"), [("2", True, True), ("1", False, False)])
def test_results_of_other_settings_are_discarded(tmp_path: Path, mark: str, resume: bool, discarded: bool) -> None:
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        journal.add(archive_file("a.wav"), ANALYZED)
    with ArchiveJournal(tmp_path / "journal", mark, resume=resume) as journal:
        assert journal.discarded is discarded
        assert not journal.is_finished(archive_file("a.wav"))


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with ArchiveJournal(tmp_path / "journal", "1"), pytest.raises(TidzamError, match="Another run is writing"):
        ArchiveJournal(tmp_path / "journal", "1")


def test_a_journal_in_memory() -> None:
    with ArchiveJournal(None, "1") as journal:
        journal.add(archive_file("a.wav"), ANALYZED)
        assert journal.outcome(archive_file("a.wav")) == ANALYZED


def test_another_file_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "song.wav").write_bytes(b"RIFF" * 1000)
    with pytest.raises(TidzamError, match="cannot be used"):
        ArchiveJournal(tmp_path / "song.wav", "1")
    assert (tmp_path / "song.wav").read_bytes() == b"RIFF" * 1000


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(TidzamError, match="cannot be used"):
        ArchiveJournal(tmp_path / "missing" / "journal", "1")


def test_it_is_deleted_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        journal.add(archive_file("a.wav"), ANALYZED)
        journal.delete()
    assert not list(tmp_path.iterdir())


def test_after_kill_9_every_finished_file_is_there(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from tests.analyzer.archive.test_journal import ANALYZED, archive_file\n"
        "from analyzer.archive.journal import ArchiveJournal\n"
        "journal = ArchiveJournal(Path(sys.argv[1]), '1')\n"
        "for number in range(20): journal.add(archive_file(f'{number}.wav'), ANALYZED)\n"
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "journal")], check=False)
    assert done.returncode == -9
    with ArchiveJournal(tmp_path / "journal", "1") as journal:
        assert all(journal.is_finished(archive_file(f"{number}.wav")) for number in range(20))


def test_the_fingerprint_is_of_all_that_changes_results(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"owl": (2000.0,)})
    settings = AnalyzerSettings(nn=tmp_path / "nn")
    before = fingerprint(settings, channel=None)
    assert fingerprint(settings.model_copy(update={"threads": 2, "port": 9}), channel=None) == before
    changed = [
        fingerprint(settings.model_copy(update={"overlap": 0.5}), channel=None),
        fingerprint(settings, channel=1),
        fingerprint(AnalyzerSettings(), channel=None),
    ]
    write_tone_bundle(tmp_path / "nn", "birds", {"owl": (2000.0,)})
    changed.append(fingerprint(settings, channel=None))
    assert len({before, *changed}) == 5


def test_the_fingerprint_is_also_of_the_clips_that_are_kept(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"owl": (2000.0,)})
    settings = AnalyzerSettings(nn=tmp_path / "nn")

    def mark(*sinks: SinkSettings) -> str:
        return fingerprint(settings.model_copy(update={"sinks": sinks}))

    clips = ClipSinkSettings(folder=tmp_path / "clips")
    budget = clips.model_copy(update={"budget": ClipBudget(days=3)})
    assert mark(CsvSinkSettings(path=tmp_path / "found.csv")) == mark()
    assert mark(budget) == mark(clips)
    assert len({mark(), mark(clips), mark(clips.model_copy(update={"format": "wav"})), mark(clips, clips)}) == 4


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"report": {"file": 1}, "failure": null, "remarks": []}', "null"])
def test_a_damaged_outcome_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"not the outcome|Expecting"):
        FileOutcome.from_json(text)
