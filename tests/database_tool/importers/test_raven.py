"""Raven selection tables."""

from pathlib import Path

import pytest

from database_tool.importers.raven import read_raven
from tests.support.sound import write_tones
from tidzam.clips import Clip
from tidzam.errors import DatasetError

TABLE = """\
Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies
1\tWaveform 1\t1\t1.5\t2.25\t100\t200\twren
1\tSpectrogram 1\t1\t1.5\t2.25\t100\t200\twren
2\tSpectrogram 1\t2\t4\t5\t100\t200\train
3\tSpectrogram 1\t1\t6\t7\t100\t200\t
"""


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    return write_tones(tmp_path / "pond.wav", 1, seconds=0.1)


@pytest.fixture
def table(audio: Path) -> Path:
    path = audio.with_name("pond.Table.1.selections.txt")
    path.write_text(TABLE)
    return path


def test_selections_are_clips_of_the_audio_beside_the_table(table: Path, audio: Path) -> None:
    write_tones(table.with_name("po.wav"), 1, seconds=0.1)
    wren, rain = Clip(audio, "wren", "pond", 1.5, 0.75, 0), Clip(audio, "rain", "pond", 4.0, 1.0, 1)
    assert read_raven(table, say=print) == [wren, rain]


def test_a_label_column_that_does_not_exist_is_reported(table: Path) -> None:
    with pytest.raises(DatasetError, match="no column with labels: expected Call"):
        read_raven(table, say=print, label_column="Call")


def test_times_in_a_sequence_of_files_are_offsets_in_each_file(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    other = write_tones(tmp_path / "x.wav", 1, seconds=0.1)
    path.write_text(
        "Selection\tBegin Time (s)\tEnd Time (s)\tBegin Path\tFile Offset (s)\tAnnotation\n"
        f"1\t61\t62.5\tC:\\\\somewhere\\\\b.wav\t1\twren\n2\t3\t4\t{other}\t3\twren\n"
    )
    assert read_raven(path, say=print) == [
        Clip(tmp_path / "b.wav", "wren", "b", 1.0, 1.5),
        Clip(other, "wren", "x", 3.0, 1.0),
    ]


@pytest.mark.parametrize("repeat_header", [False, True])
def test_no_selection_of_joined_tables_is_lost(table: Path, repeat_header: bool) -> None:
    header, *rows = TABLE.splitlines(keepends=True)
    later = [row.replace("1.5\t2.25", "61.5\t62.25").replace("4\t5", "64\t65") for row in rows]
    table.write_text("".join([header, *rows, *([header] if repeat_header else []), *later]))
    assert [(clip.label, clip.start_s) for clip in read_raven(table, say=print)] == [
        ("wren", 1.5),
        ("rain", 4.0),
        ("wren", 61.5),
        ("rain", 64.0),
    ]


def test_joined_tables_may_have_different_column_orders(tmp_path: Path) -> None:
    path = tmp_path / "all.txt"
    one = "Selection\tBegin Time (s)\tEnd Time (s)\tBegin File\tSpecies\n1\t1\t2\ta.wav\twren\n"
    other = "Selection\tSpecies\tBegin File\tEnd Time (s)\tBegin Time (s)\n1\towl\tb.wav\t2\t1\n"
    path.write_text(one + other)
    assert read_raven(path, say=print) == [
        Clip(tmp_path / "a.wav", "wren", "a", 1.0, 1.0),
        Clip(tmp_path / "b.wav", "owl", "b", 1.0, 1.0),
    ]


def test_decimal_commas_are_read(table: Path, audio: Path) -> None:
    table.write_bytes(TABLE.replace("1.5", "1,5").replace("2.25", "2,25").encode("utf-16"))
    assert read_raven(table, say=print)[0] == Clip(audio, "wren", "pond", 1.5, 0.75, 0)


@pytest.mark.parametrize("separator", ["\t", ",", ";", "|"])
def test_columns_without_a_name_are_ignored(table: Path, separator: str) -> None:
    table.write_text("\n".join(line + "\t\t" for line in TABLE.splitlines()).replace("\t", separator) + "\n")
    assert [clip.label for clip in read_raven(table, say=print)] == ["wren", "rain"]


def test_selections_without_a_label_are_counted(table: Path) -> None:
    messages: list[str] = []
    read_raven(table, say=messages.append)
    assert messages == [f"{table}: 1 row without a label skipped"]


def test_a_missing_column_of_times_is_reported_with_the_columns_found(table: Path) -> None:
    table.write_text(TABLE.replace("Begin Time", "begin time"))
    with pytest.raises(DatasetError, match=r"no column 'Begin Time \(s\)'") as caught:
        read_raven(table, say=print)
    assert "'begin time (s)'" in caught.value.hint
