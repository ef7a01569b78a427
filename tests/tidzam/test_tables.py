"""Tables as people and programs write them: encodings, line ends, blanks, separators, quotes, and faults by line."""

import codecs
from pathlib import Path

import pytest

from tidzam.errors import DatasetError
from tidzam.tables import number, read_lines, read_table, read_text

TEXT = "file,label\na.wav,mésange\nb.wav,čáp\n"


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def values(path: Path) -> list[dict[str, str]]:
    return [dict(row.values) for row in read_table(path)]


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
    ],
)
def test_a_byte_order_mark_says_the_encoding(tmp_path: Path, raw: bytes) -> None:
    assert values(write(tmp_path, raw)) == [
        {"file": "a.wav", "label": "mésange"},
        {"file": "b.wav", "label": "čáp"},
    ]


def test_what_is_not_utf_8_is_read_as_windows_1252_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, b"file,label\na.wav,m\xe9sange \x96 \x80\n\x81.wav,x\n")
    assert values(path) == [{"file": "a.wav", "label": "mésange \u2013 €"}, {"file": "\x81.wav", "label": "x"}]
    assert "list.csv is not UTF-8; it is read as Windows-1252" in caplog.text


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"])
def test_only_cr_and_lf_end_a_line(tmp_path: Path, sign: str) -> None:
    path = write(tmp_path, f"file,note,label\na.wav,one{sign}two,wren\n")
    assert values(path) == [{"file": "a.wav", "note": f"one{sign}two", "label": "wren"}]
    assert [line for line, _ in read_lines(path)] == [1, 2, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_with_any_of_the_three(tmp_path: Path, end: str) -> None:
    path = write(tmp_path, f"file,label{end}a.wav,wren{end}{end}b.wav,owl")
    assert [(row.line, row.get("label")) for row in read_table(path)] == [(2, "wren"), (4, "owl")]


@pytest.mark.parametrize(
    "cell", ["dog", " dog", "dog ", "\u00a0dog\u00a0", "\tdog", '" dog"', "\ufeffdog", " \u200b dog"]
)
def test_values_are_stripped(tmp_path: Path, cell: str) -> None:
    assert values(write(tmp_path, f" file , label\na.wav,{cell}\n")) == [{"file": "a.wav", "label": "dog"}]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    path = write(tmp_path, "file start label\na.wav 1.5 wren\n".replace(" ", separator))
    assert values(path) == [{"file": "a.wav", "start": "1.5", "label": "wren"}]
    path = write(tmp_path, f"sep={separator}\nfile{separator}label\na.wav{separator}wren\n")
    assert values(path) == [{"file": "a.wav", "label": "wren"}]


def test_decimal_commas_are_read_where_they_cannot_be_separators(tmp_path: Path) -> None:
    (row,) = read_table(write(tmp_path, "file;start\na.wav;1,5\n"))
    assert row.seconds("start") == 1.5
    (row,) = read_table(write(tmp_path, 'file,start\na.wav,"1,5"\n'))
    with pytest.raises(DatasetError, match=r"Line 2 of .* start is '1,5', expected seconds"):
        row.seconds("start")


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1e999", "1_000", "\u0661", "0x10", "1,234.5", "--1", "1e"])
def test_what_is_no_number(text: str) -> None:
    assert number(text, decimal_comma=True) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("file,label\na.wav,dog,extra\n", "Line 2 .* 3 values for 2 columns"),
        ("file,label,label\na.wav,dog,cat\n", "Line 1 .* column 'label' occurs twice"),
        ('file,label\na.wav,dog\nb.wav,"cat\nc.wav,owl\n', "Line 3 .* quotation mark may be unclosed"),
        ("file,label\na.wav,dog\x00\n", "Line 2 .* NUL byte"),
        (f"file,label\na.wav,{'x' * 200_000}\n", "Line 2 .* field larger than"),
        (codecs.BOM_UTF16_LE + b"a\x00b", "begins as UTF-16-LE, but byte 4 is invalid"),
    ],
)
def test_a_fault_names_its_line(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=f"(?s){reason}"):
        read_table(write(tmp_path, content))


def test_a_quotation_mark_in_a_table_of_tabs_is_a_character(tmp_path: Path) -> None:
    path = write(tmp_path, 'file\tnote\tlabel\na.wav\t"loud\twren\nb.wav\t5" pipe\towl\n')
    assert [row.get("note", "label") for row in read_table(path)] == ['"loud', '5" pipe']


def test_what_is_no_regular_file_does_not_block(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    for path, reason in ((tmp_path / "pipe.csv", "not a regular"), (tmp_path / "none.csv", "cannot be read")):
        with pytest.raises(DatasetError, match=reason):
            read_text(path)
