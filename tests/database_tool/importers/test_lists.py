"""Clips out of the lists that people have."""

from pathlib import Path

import pytest
import soundfile

from database_tool.importers import lists
from tidzam.clips import Clip
from tidzam.errors import DatasetError

RAVEN = """\
Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies
1\tWaveform 1\t1\t1.5\t2.25\t100\t200\twren
1\tSpectrogram 1\t1\t1.5\t2.25\t100\t200\twren
2\tSpectrogram 1\t2\t4\t5\t100\t200\train
3\tSpectrogram 1\t1\t6\t7\t100\t200\t
"""


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, [0.0] * 80, 8000)
    return path


def test_csv(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "file,start,end,label,channel,group\na.wav,0.5,1.25,wren,,\nb-A.wav,,,rain,1,\nc.wav,3,,owl,,night 1\n"
    )
    assert lists.read_csv(tmp_path / "list.csv") == [
        Clip(tmp_path / "a.wav", "wren", "a", 0.5, 0.75),
        Clip(tmp_path / "b-A.wav", "rain", "b", 0.0, None, 1),
        Clip(tmp_path / "c.wav", "owl", "night 1", 3.0),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,label\na,b\n", "lacks the columns file and label"),
        ("", "lacks the columns file and label"),
        ("file,label,start\na.wav,wren,early\n", "Line 2 of .* start is 'early'"),
        ("file,label,start,end\na.wav,wren,0,1\na.wav,wren,2,1\n", "Line 3 of .* 2 to 1 s is not a time span"),
        ("file,label,start,end\na.wav,wren,0,nan\n", "end is 'nan', not seconds"),
        ("file,label,start,end\na.wav,wren,0,inf\n", "end is 'inf', not seconds"),
        ("file,label,start\na.wav,wren,-5\n", "start is '-5', not seconds"),
        ("file,label\na.wav,\n", "no file, or no label"),
        ("file,label,channel\na.wav,wren,left\n", "'left' is not a channel"),
    ],
)
def test_csv_faults_name_their_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(DatasetError, match=reason):
        lists.read_csv(tmp_path / "list.csv")


def test_raven(tmp_path: Path) -> None:
    table, wav = tmp_path / "pond.Table.1.selections.txt", sound(tmp_path / "pond.wav")
    sound(tmp_path / "po.wav")
    table.write_text(RAVEN)
    wren, rain = Clip(wav, "wren", "pond", 1.5, 0.75, 0), Clip(wav, "rain", "pond", 4.0, 1.0, 1)
    assert lists.read_raven(table) == [wren, rain]
    with pytest.raises(DatasetError, match="no column Call"):
        lists.read_raven(table, label_column="Call")


def test_raven_over_a_sequence_of_files(tmp_path: Path) -> None:
    table = tmp_path / "all.txt"
    table.write_text(
        "Selection\tBegin Time (s)\tEnd Time (s)\tBegin Path\tFile Offset (s)\tAnnotation\n"
        f"1\t61\t62.5\tC:\\\\somewhere\\\\b.wav\t1\twren\n2\t3\t4\t{sound(tmp_path / 'x' / 'a.wav')}\t3\twren\n"
    )
    assert lists.read_raven(table) == [
        Clip(tmp_path / "b.wav", "wren", "b", 1.0, 1.5),
        Clip(tmp_path / "x" / "a.wav", "wren", "a", 3.0, 1.0),
    ]


def test_audacity(tmp_path: Path) -> None:
    track, wav = tmp_path / "pond.txt", sound(tmp_path / "pond.flac")
    track.write_text("0.5\t1.500000\twren\n\\\t1000.0\t2000.0\n2.0\t2.0\towl\n3\t4\t\n")
    assert lists.read_audacity(track) == [Clip(wav, "wren", "pond", 0.5, 1.0), Clip(wav, "owl", "pond", 2.0, 0.0)]
    other = sound(tmp_path / "creek.wav")
    assert lists.read_audacity(track, audio=other)[0].path == other


def test_audacity_faults_name_their_line(tmp_path: Path) -> None:
    sound(tmp_path / "pond.flac")
    (tmp_path / "pond.txt").write_text("0.5\t1.5\twren\nnonsense\n")
    with pytest.raises(DatasetError, match=r"Line 2 of .* start, end and label"):
        lists.read_audacity(tmp_path / "pond.txt")
    (tmp_path / "creek.txt").write_text("0.5\t1.5\twren\n")
    with pytest.raises(DatasetError, match="no sound file beside"):
        lists.read_audacity(tmp_path / "creek.txt")


def test_lists_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.csv").touch()
    (tmp_path / "1.csv").touch()
    assert lists.find_lists(tmp_path, ".csv") == [tmp_path / "1.csv", tmp_path / "b" / "2.csv"]
    with pytest.raises(DatasetError, match=r"no file that ends in \.txt"):
        lists.find_lists(tmp_path, ".txt")
    with pytest.raises(DatasetError, match="name no clip"):
        lists.all_clips([[], []])


def test_an_accent_in_an_old_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("file,label\na.wav,m\xe9sange\n".encode("latin-1"))
    assert lists.read_csv(tmp_path / "list.csv")[0].label == "mésange"


def test_joined_raven_tables_lose_no_row(tmp_path: Path) -> None:
    wav = sound(tmp_path / "pond.wav")
    head, *rows = RAVEN.splitlines(keepends=True)
    later = [row.replace("1.5\t2.25", "61.5\t62.25").replace("4\t5", "64\t65") for row in rows]
    for joined in ([head, *rows, *later], [head, *rows, head, *later]):
        table = tmp_path / "pond.Table.1.selections.txt"
        table.write_text("".join(joined))
        assert [(clip.label, clip.start_s) for clip in lists.read_raven(table, audio=wav)] == [
            ("wren", 1.5),
            ("rain", 4.0),
            ("wren", 61.5),
            ("rain", 64.0),
        ]


def test_joined_raven_tables_may_have_their_columns_in_another_order(tmp_path: Path) -> None:
    table = tmp_path / "all.txt"
    one = "Selection\tBegin Time (s)\tEnd Time (s)\tBegin File\tSpecies\n1\t1\t2\ta.wav\twren\n"
    other = "Selection\tSpecies\tBegin File\tEnd Time (s)\tBegin Time (s)\n1\towl\tb.wav\t2\t1\n"
    table.write_text(one + other)
    assert lists.read_raven(table) == [
        Clip(tmp_path / "a.wav", "wren", "a", 1.0, 1.0),
        Clip(tmp_path / "b.wav", "owl", "b", 1.0, 1.0),
    ]


def test_a_raven_table_with_decimal_commas_is_read(tmp_path: Path) -> None:
    wav, table = sound(tmp_path / "pond.wav"), tmp_path / "pond.txt"
    table.write_bytes(RAVEN.replace("1.5", "1,5").replace("2.25", "2,25").encode("utf-16"))
    assert lists.read_raven(table)[0] == Clip(wav, "wren", "pond", 1.5, 0.75, 0)


def test_blanks_and_unicode_forms_make_no_classes_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "file,label\na.wav,dog\na.wav, dog\na.wav,dog \na.wav,\u00a0dog\nb.wav,mésange\nb.wav,me\u0301sange\n"
    )
    assert {clip.label for clip in lists.read_csv(tmp_path / "list.csv")} == {"dog", "mésange"}


def test_an_audacity_track_is_split_at_line_ends_only(tmp_path: Path) -> None:
    sound(tmp_path / "pond.flac")
    (tmp_path / "pond.txt").write_bytes("0,5\t1,5\twren\u2028or owl\r\n2\t3\train\x85\r\n".encode())
    with pytest.raises(DatasetError, match=r"Line 1 of .* label 'wren\\u2028or owl' contains a character"):
        lists.read_audacity(tmp_path / "pond.txt")
    (tmp_path / "pond.txt").write_bytes("0,5\t1,5\twren\r2\t3\train\x85\r".encode())
    found = [(clip.label, clip.start_s) for clip in lists.read_audacity(tmp_path / "pond.txt")]
    assert found == [("wren", 0.5), ("rain", 2.0)]


@pytest.mark.parametrize("label", ["a/b", ".wren", "x" * 300, "a\x07b"])
def test_a_label_that_cannot_be_one_names_its_line(tmp_path: Path, label: str) -> None:
    (tmp_path / "list.csv").write_text(f"file,label\na.wav,wren\nb.wav,{label}\n")
    with pytest.raises(DatasetError, match=r"Line 3 of .* the label "):
        lists.read_csv(tmp_path / "list.csv")


@pytest.mark.parametrize("channel", ["-1", "1.5", "²", "99999"])
def test_a_channel_that_cannot_be_one_names_its_line(tmp_path: Path, channel: str) -> None:
    (tmp_path / "list.csv").write_text(f"file,label,channel\na.wav,wren,{channel}\n")
    with pytest.raises(DatasetError, match=r"Line 2 of .* is not a channel"):
        lists.read_csv(tmp_path / "list.csv")


def test_a_file_is_found_whose_name_has_another_unicode_form_on_disk(tmp_path: Path) -> None:
    wav = sound(tmp_path / "me\u0301sange.wav")
    (tmp_path / "list.csv").write_text("file,label\nmésange.wav,tit\n")
    assert lists.read_csv(tmp_path / "list.csv")[0].path == wav


def test_hidden_lists_of_an_operating_system_are_no_lists(tmp_path: Path) -> None:
    for name in ("a.csv", "._a.csv", "__MACOSX/a.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert lists.find_lists(tmp_path, ".csv") == [tmp_path / "a.csv"]


def test_the_columns_of_a_list_have_no_case(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("File;Start;End;Label\na.wav;0,5;1,25;Wren\n")
    assert lists.read_csv(tmp_path / "list.csv") == [Clip(tmp_path / "a.wav", "Wren", "a", 0.5, 0.75)]


def test_too_long_a_file_name_is_left_to_the_reader_of_files(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"file,label\n{'x' * 300}.wav,wren\n")
    assert lists.read_csv(tmp_path / "list.csv")[0].path.name == f"{'x' * 300}.wav"


@pytest.mark.parametrize("separator", ["\t", ",", ";", "|"])
def test_raven_columns_without_a_name_are_ignored(tmp_path: Path, separator: str) -> None:
    sound(tmp_path / "a.wav")
    table = tmp_path / "a.txt"
    table.write_text("\n".join(line + "\t\t" for line in RAVEN.splitlines()).replace("\t", separator) + "\n")
    assert [clip.label for clip in lists.read_raven(table)] == ["wren", "rain"]


def test_selections_without_a_label_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text(RAVEN)
    lists.read_raven(tmp_path / "a.txt")
    assert "a.txt: 1 without a label is left out" in caplog.text
    (tmp_path / "a.txt").write_text("0.0\t1.0\tdog\n1.0\t2.0\t\n2.0\t3.0\n")
    assert len(lists.read_audacity(tmp_path / "a.txt")) == 1
    assert "a.txt: 2 without a label are left out" in caplog.text


def test_a_raven_table_that_lacks_a_column_of_times_is_refused_with_its_columns(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text(RAVEN.replace("Begin Time", "begin time"))
    with pytest.raises(DatasetError, match=r"no column 'Begin Time \(s\)'.*'begin time \(s\)'"):
        lists.read_raven(tmp_path / "a.txt")
