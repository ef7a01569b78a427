"""The CSV files of detections: whatever a kill, a power cut or a person left, no row is lost or doubled."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.inbox.detection_log import HEADER, DetectionLog, csv_rows
from analyzer.inbox.entries import InboxCounts, InboxEntry
from analyzer.inbox.journal import InboxJournal
from tests.support.reports import detection_row
from tidzam.errors import TidzamError

DAY = "2026-05-01"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[InboxJournal]:
    with InboxJournal(tmp_path / "inference.journal") as made:
        yield made


@pytest.fixture
def log(tmp_path: Path, journal: InboxJournal) -> DetectionLog:
    return DetectionLog(tmp_path / "found.csv", journal)


def entry(number: int, *, day: str = DAY) -> InboxEntry:
    """A file with two detections."""
    name = f"pond-{number}.wav"
    rows = csv_rows({"file": name, **detection_row("owl", start_s, start_s + 1)} for start_s in (0, 3))
    return InboxEntry(name, (1, 2), day, rows, "")


def commit(log: DetectionLog, journal: InboxJournal, *entries: InboxEntry) -> None:
    """Take entries through all steps."""
    for one in entries:
        journal.commit(one, InboxCounts())
        journal.finished(one, log.append(one))


def content(tmp_path: Path, name: str = f"found-{DAY}.csv") -> bytes:
    return (tmp_path / name).read_bytes()


def test_a_file_begins_with_its_header_and_holds_all_rows(
    log: DetectionLog, journal: InboxJournal, tmp_path: Path
) -> None:
    commit(log, journal, entry(1), entry(2))
    assert content(tmp_path) == HEADER + entry(1).rows + entry(2).rows
    assert content(tmp_path).startswith(b"file,channel,start_s,end_s,start,end,class,path,peak,")


def test_each_day_has_a_file(log: DetectionLog, journal: InboxJournal, tmp_path: Path) -> None:
    later = entry(2, day="2026-05-02")
    commit(log, journal, entry(1), later)
    assert content(tmp_path, "found-2026-05-02.csv") == HEADER + later.rows


def test_rows_that_were_not_committed_are_written_once(
    log: DetectionLog, journal: InboxJournal, tmp_path: Path
) -> None:
    commit(log, journal, entry(1))
    log.append(entry(2))
    commit(log, journal, entry(2))
    assert content(tmp_path) == HEADER + entry(1).rows + entry(2).rows


@pytest.mark.parametrize("kept", [1, len(HEADER) - 1, len(HEADER), len(HEADER) + 20])
def test_a_torn_first_write_is_completed(log: DetectionLog, journal: InboxJournal, tmp_path: Path, kept: int) -> None:
    (tmp_path / f"found-{DAY}.csv").write_bytes((HEADER + entry(1).rows)[:kept])
    commit(log, journal, entry(1))
    assert content(tmp_path) == HEADER + entry(1).rows


@pytest.mark.parametrize("kept", [1, 30, -1])
def test_a_torn_line_is_completed(log: DetectionLog, journal: InboxJournal, tmp_path: Path, kept: int) -> None:
    commit(log, journal, entry(1))
    with (tmp_path / f"found-{DAY}.csv").open("ab") as file:
        file.write(entry(2).rows[:kept])
    commit(log, journal, entry(2))
    assert content(tmp_path) == HEADER + entry(1).rows + entry(2).rows


def test_zeros_that_a_power_cut_left_are_overwritten(log: DetectionLog, journal: InboxJournal, tmp_path: Path) -> None:
    commit(log, journal, entry(1))
    with (tmp_path / f"found-{DAY}.csv").open("ab") as file:
        file.write(entry(2).rows[:10] + bytes(len(entry(2).rows) - 10))
    commit(log, journal, entry(2))
    assert content(tmp_path) == HEADER + entry(1).rows + entry(2).rows


def test_a_file_that_was_removed_is_begun_again(
    log: DetectionLog, journal: InboxJournal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    commit(log, journal, entry(1))
    (tmp_path / f"found-{DAY}.csv").unlink()
    with caplog.at_level(logging.WARNING):
        commit(log, journal, entry(2), entry(3))
    assert content(tmp_path) == HEADER + entry(2).rows + entry(3).rows
    assert "was removed; it is begun again" in caplog.text


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text + b"a note\n",
        lambda text: text[:-30],
        lambda text: text.replace(b"owl,owl", b"cat,cat"),
        lambda text: b"",
    ],
    ids=["longer", "shorter", "changed", "empty"],
)
def test_a_file_that_somebody_changed_is_left_alone(
    log: DetectionLog, journal: InboxJournal, tmp_path: Path, edit: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(edit)
    commit(log, journal, entry(1))
    path = tmp_path / f"found-{DAY}.csv"
    path.write_bytes(changed := edit(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        commit(log, journal, entry(2), entry(3))
    assert path.read_bytes() == changed
    assert content(tmp_path, f"found-{DAY}-2.csv") == HEADER + entry(2).rows + entry(3).rows
    assert "was changed by another program" in caplog.text


def test_files_of_an_earlier_journal_are_left_alone(log: DetectionLog, journal: InboxJournal, tmp_path: Path) -> None:
    (tmp_path / f"found-{DAY}.csv").write_bytes(HEADER + entry(8).rows)
    (tmp_path / f"found-{DAY}-2.csv").write_bytes(HEADER + entry(9).rows)
    commit(log, journal, entry(1))
    assert content(tmp_path, f"found-{DAY}-3.csv") == HEADER + entry(1).rows


def test_a_folder_in_the_way_is_an_error_with_a_hint(log: DetectionLog, tmp_path: Path) -> None:
    (tmp_path / f"found-{DAY}.csv").mkdir()
    with pytest.raises(TidzamError, match="cannot be written") as caught:
        log.append(entry(1))
    assert caught.value.code == "output"


def test_names_that_are_not_utf_8_keep_their_bytes() -> None:
    assert csv_rows([{"file": b"teich-\xe4.wav".decode(errors="surrogateescape")}]).startswith(b"teich-\xe4.wav,")
