"""What every result format keeps, and what each writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.result_formats.base import RESULT_COLUMNS, FileResult, ResultFormat, file_names, make_format
from database_tool.importers.audacity import read_audacity
from database_tool.importers.raven import read_raven
from tests.support.reports import detection_row, file_report
from tidzam.config.result_formats import RESULT_FORMATS, ResultTarget
from tidzam.errors import ConfigError, TidzamError

FORMATS = RESULT_FORMATS.built_in
TABLES = ("csv", "jsonl", "parquet")


def results() -> list[FileResult]:
    owl = detection_row("owl", 1.0, 3.0, path=("birds", "owl"))
    rain = detection_row('rain, "hard"', 0.5, 2.5, channel=1)
    undated = detection_row("owl", 0.0, 1.0, dated=False)
    return [
        FileResult(file_report("in/site/pond.wav", [rain, owl], channels=2), Path("site/pond.wav")),
        FileResult(file_report("in/quiet.flac"), Path("quiet.flac")),
        FileResult(file_report("in/zoom.wav", [undated], dated=False), Path("zoom.wav")),
    ]


def target(name: str, folder: Path) -> Path:
    return folder / f"found.{name}"


def written(name: str, folder: Path, found: list[FileResult] | None = None) -> Path:
    path = target(name, folder)
    result_format = make_format(ResultTarget(name, path))
    result_format.check()
    result_format.write(results() if found is None else found)
    return path


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return {one.relative_to(path.parent).as_posix(): one.read_bytes() for one in files}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_results_are_the_same_bytes(tmp_path: Path, name: str) -> None:
    before = content(written(name, tmp_path))
    assert before
    assert content(written(name, tmp_path)) == before


@pytest.mark.parametrize("name", FORMATS)
def test_an_archive_without_results(tmp_path: Path, name: str) -> None:
    written(name, tmp_path, [])
    assert target(name, tmp_path).exists()


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_that_cannot_be_written_is_found_before_the_analysis(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TidzamError, match="cannot be written") as caught:
        make_format(ResultTarget(name, tmp_path / "file" / "found")).check()
    assert caught.value.code == "output"


@pytest.mark.parametrize("name", TABLES)
def test_a_device_is_not_replaced(name: str) -> None:
    with pytest.raises(TidzamError, match="not a regular file"):
        make_format(ResultTarget(name, Path("/dev/full"))).check()


@pytest.mark.parametrize("name", TABLES)
def test_an_interrupted_table_leaves_the_old_one(tmp_path: Path, name: str) -> None:
    def interrupted() -> Iterator[FileResult]:
        yield from results()
        raise KeyboardInterrupt

    before = content(written(name, tmp_path))
    result_format: ResultFormat = make_format(ResultTarget(name, target(name, tmp_path)))
    with pytest.raises(KeyboardInterrupt):
        result_format.write(interrupted())
    assert content(target(name, tmp_path)) == before
    assert [path.name for path in tmp_path.iterdir()] == [f"found.{name}"]


def test_csv(tmp_path: Path) -> None:
    with written("csv", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == RESULT_COLUMNS
    assert [row["class"] for row in rows] == ['rain, "hard"', "owl", "owl"]
    assert rows[1]["file"] == "in/site/pond.wav"
    assert rows[1]["start"] == "2026-05-01T06:30:01+00:00"
    assert rows[2]["start"] == ""


def test_json_lines(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in written("jsonl", tmp_path).read_text().splitlines()]
    assert [tuple(row) for row in rows] == [RESULT_COLUMNS] * 3
    assert (rows[1]["peak"], rows[1]["windows"], rows[2]["start"]) == (0.9, 2, None)


def test_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(written("parquet", tmp_path))
    assert tuple(table.column_names) == RESULT_COLUMNS
    assert str(table.schema.field("start").type) == "timestamp[us, tz=UTC]"
    rows = table.to_pylist()
    assert rows[1]["start"].isoformat() == "2026-05-01T06:30:01+00:00"
    assert rows[2]["start"] is None
    assert [row["channel"] for row in rows] == [1, 0, 0]


def test_parquet_takes_names_that_are_not_utf_8(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    found = FileResult(file_report("a\udcff.wav", [detection_row("owl", 0.0, 1.0)]), Path("a\udcff.wav"))
    rows = parquet.read_table(written("parquet", tmp_path, [found])).to_pylist()
    assert rows[0]["file"] == "a\\udcff.wav"


def test_raven_tables_are_read_by_the_database_tool(tmp_path: Path) -> None:
    folder = written("raven", tmp_path)
    assert sorted(content(folder)) == [
        "found.raven/quiet.Table.1.selections.txt",
        "found.raven/site/pond.Table.1.selections.txt",
        "found.raven/zoom.Table.1.selections.txt",
    ]
    clips = read_raven(folder / "site/pond.Table.1.selections.txt", say=print)
    assert [(clip.label, clip.start_s, clip.duration_s, clip.channel) for clip in clips] == [
        ('rain, "hard"', 0.5, 2.0, 1),
        ("owl", 1.0, 2.0, 0),
    ]


def test_a_raven_table_without_a_detection_has_a_header(tmp_path: Path) -> None:
    text = (written("raven", tmp_path) / "quiet.Table.1.selections.txt").read_text()
    assert text.startswith("Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t")
    assert text.count("\n") == 1


def test_audacity_tracks_are_read_by_the_database_tool(tmp_path: Path) -> None:
    folder = written("audacity", tmp_path)
    assert sorted(content(folder)) == [
        "found.audacity/quiet.txt",
        "found.audacity/site/pond.out_0.txt",
        "found.audacity/site/pond.out_1.txt",
        "found.audacity/zoom.txt",
    ]
    clips = read_audacity(folder / "site/pond.out_0.txt", audio=Path("pond.wav"), say=print)
    assert [(clip.label, clip.start_s, clip.duration_s) for clip in clips] == [("owl", 1.0, 2.0)]


def test_files_that_differ_in_their_suffix_only_have_tables_of_their_own() -> None:
    found = [FileResult(file_report(name), Path(name)) for name in ("a.wav", "a.flac", "b/a.wav")]
    assert [path.as_posix() for _, path in file_names(found, ".txt")] == ["a.txt", "a.flac.txt", "b/a.txt"]


@pytest.mark.parametrize("name", ["raven", "audacity"])
def test_a_file_in_the_place_of_a_folder_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "found").write_text("mine")
    with pytest.raises(TidzamError, match="found is not a folder"):
        make_format(ResultTarget(name, tmp_path / "found")).check()


@pytest.mark.parametrize("name", FORMATS)
def test_a_recording_with_a_very_long_name_is_written(name: str, tmp_path: Path) -> None:
    row = detection_row("owl", 1.0, 3.0)
    long = [f"{'日本語' * 27}{end}.wav" for end in ("a", "b")]
    written(name, tmp_path, [FileResult(file_report(file, [row], channels=2), Path(file)) for file in long])
    assert len(content(target(name, tmp_path))) == {"raven": 2, "audacity": 4}.get(name, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("found.csv", ResultTarget("csv", Path("found.csv"))),
        ("a/b.JSONL", ResultTarget("jsonl", Path("a/b.JSONL"))),
        ("raven:tables", ResultTarget("raven", Path("tables"))),
        ("csv:found.txt", ResultTarget("csv", Path("found.txt"))),
        ("C:found.csv", ResultTarget("csv", Path("C:found.csv"))),
    ],
)
def test_targets(text: str, expected: ResultTarget) -> None:
    assert ResultTarget.parse(text) == expected


@pytest.mark.parametrize("text", ["found", "found.xls", "raven:", "", "excel:found"])
def test_unknown_formats_are_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(ConfigError, match="The formats are csv, jsonl, parquet, raven, audacity"):
        ResultTarget.parse(text)
