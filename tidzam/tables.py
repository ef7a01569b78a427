"""The reader of tables and lists that were written by people and other programs.

The encoding is that of the byte order mark, else UTF-8, else Windows-1252. Only CR, LF and CRLF end a line.
"""

from __future__ import annotations

import codecs
import csv
import io
import logging
import math
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tidzam.errors import DatasetError

log = logging.getLogger(__name__)

SEPARATORS: Final = (",", ";", "\t", "|")

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_QUOTED_CHARACTERS: Final = 60


@dataclass(frozen=True)
class Row:
    """A row of a table: its stripped values by column, and the number of the line on which it begins, from 1."""

    path: Path
    line: int
    values: Mapping[str, str]
    decimal_comma: bool = False

    def get(self, *columns: str) -> str:
        """The value of the first of these columns that is not empty; else an empty string."""
        return next((value for column in columns if (value := self.values.get(column, ""))), "")

    def seconds(self, column: str) -> float:
        """The value of a column as a time of 0 s or more. Raises DatasetError if it is not one."""
        value = self.values.get(column, "")
        found = number(value, decimal_comma=self.decimal_comma)
        if found is None or found < 0:
            raise self.fault(f"{column} is {quoted(value)}, expected seconds")
        return found

    def fault(self, reason: str) -> DatasetError:
        """The error for this row."""
        return fault(self.path, self.line, reason)


def fault(path: Path, line: int, reason: str) -> DatasetError:
    """The error for a line of a list."""
    return DatasetError(f"Line {line} of {path} cannot be used: {reason}.", code="dataset_list")


def quoted(value: str) -> str:
    """A value for a message: quoted, printable and shortened."""
    return repr(value if len(value) <= _QUOTED_CHARACTERS else f"{value[:_QUOTED_CHARACTERS]}…")


def number(text: str, *, decimal_comma: bool = False) -> float | None:
    """The finite number in `text`, in ASCII digits; None if it is not one."""
    if decimal_comma and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def read_table(
    path: Path,
    *,
    required: Collection[str] = (),
    separators: Sequence[str] = SEPARATORS,
    any_case: bool = False,
) -> list[Row]:
    """The rows of a table whose first line is a header, with columns separated by one of `separators`.

    The separator is the one that divides the header into the most columns. The header may be repeated, as in files
    that were joined; a repeated header may have another order of columns if it has all that are `required`. Decimal
    commas are read if the comma is not the separator. With `any_case`, column names are converted to lower case.

    Raises DatasetError (`dataset_list`), with the line, if the file cannot be read, has a column twice, a row with more
    values than columns, or an unclosed quotation mark.
    """
    return parse_table(_read(path), path, required=required, separators=separators, any_case=any_case)


def parse_table(
    raw: bytes,
    path: Path,
    *,
    required: Collection[str] = (),
    separators: Sequence[str] = SEPARATORS,
    any_case: bool = False,
) -> list[Row]:
    """The same for the content of a file, which errors call `path`."""
    text = parse_text(raw, path)
    separator = _separator(text, separators)
    header: tuple[str, ...] = ()
    rows = []
    for line, cells in _records(path, text, separator):
        if not any(cells) or (not header and cells[0].lower().startswith("sep=") and not any(cells[1:])):
            continue
        names = [cell.lower() for cell in cells] if any_case else cells
        if not header or tuple(names) == header or (required and set(required) <= set(names)):
            header = _columns(path, line, names)
            continue
        if any(cells[len(header) :]):
            raise fault(
                path,
                line,
                f"it has {len(cells)} values for {len(header)} columns; quote a value that contains a {separator!r}",
            )
        values = dict(zip(header, cells, strict=False))
        rows.append(Row(path, line, values, decimal_comma=separator != ","))
    return rows


def columns_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The named columns of the rows, in order."""
    return tuple(dict.fromkeys(column for row in rows for column in row.values if column))


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their numbers, from 1. Raises DatasetError (`dataset_list`)."""
    yield from lines_of(read_text(path))


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers, from 1."""
    yield from enumerate(_LINE_END.split(text), start=1)


def read_text(path: Path) -> str:
    """The content of a text file in any of the encodings above.

    Raises DatasetError (`dataset_list`) if it cannot be read or is not text.
    """
    return parse_text(_read(path), path)


def parse_text(raw: bytes, path: Path) -> str:
    """The same for the content of a file, which errors call `path`."""
    text = _decode(path, raw)
    if "\0" in text:
        line = len(_LINE_END.findall(text, 0, text.index("\0"))) + 1
        raise fault(path, line, "it contains a NUL byte: the file is not text")
    return text


def _read(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DatasetError(f"{path} is not a regular file.", hint="Specify a text file.", code="dataset_list")
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read: {error.strerror}.", hint="Specify a text file.", code="dataset_list"
        ) from None


def _decode(path: Path, raw: bytes) -> str:
    for mark, encoding in (*_MARKS, *_unmarked(raw)):
        if raw.startswith(mark):
            try:
                return raw[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                raise DatasetError(
                    f"{path} begins as {encoding.upper()}, but byte {len(mark) + error.start} is invalid.",
                    hint="Save it as UTF-8.",
                    code="dataset_list",
                ) from None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        log.warning("%s is not UTF-8; it is read as Windows-1252", path)
    return "".join(_from_1252(byte) for byte in raw) if _undefined(raw) else raw.decode("cp1252")


def _unmarked(raw: bytes) -> list[tuple[bytes, str]]:
    """UTF-16 without a byte order mark, recognized by the zero bytes of ASCII characters at the beginning."""
    start = raw[:64]
    if len(start) < 4 or len(raw) % 2:
        return []
    zeros_first, zeros_second = start[::2].count(0), start[1::2].count(0)
    most = len(start) * 3 // 8
    if zeros_first == 0 and zeros_second >= most:
        return [(b"", "utf-16-le")]
    return [(b"", "utf-16-be")] if zeros_second == 0 and zeros_first >= most else []


def _undefined(raw: bytes) -> bool:
    """Whether there is a byte without a character in Windows-1252."""
    return any(byte in raw for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D))


def _from_1252(byte: int) -> str:
    """Decode a byte as browsers do: one without a character becomes the control character of that number."""
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def _separator(text: str, separators: Sequence[str]) -> str:
    """The separator of the first line, or the one after Excel's `sep=` in it."""
    first = next((line for line in _LINE_END.split(text) if line.strip()), "")
    if first.lower().startswith("sep=") and first[4:5] in separators:
        return first[4]
    return max(separators, key=lambda separator: first.count(separator))


def _records(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """The stripped records of a table, with their lines.

    Few programs quote values between tabs, and a quotation mark may be part of a comment: unbalanced ones are read as
    text.
    """
    try:
        records = list(_parse(path, text, separator, csv.QUOTE_MINIMAL))
    except DatasetError:
        if separator != "\t":
            raise
        records = list(_parse(path, text, separator, csv.QUOTE_NONE))
    yield from records


def _parse(path: Path, text: str, separator: str, quoting: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        strict=True,
        quoting=quoting,  # type: ignore[arg-type]  # one of csv's constants
        skipinitialspace=True,
    )
    line = 1
    try:
        for cells in reader:
            yield line, [_strip(cell) for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise fault(path, line, f"{error}; a quotation mark may be unclosed") from None


def _strip(cell: str) -> str:
    return cell.strip().strip("\ufeff\u200b").strip()


def _columns(path: Path, line: int, cells: Sequence[str]) -> tuple[str, ...]:
    twice = sorted({cell for cell in cells if cell and cells.count(cell) > 1})
    if twice:
        raise fault(path, line, f"column {quoted(twice[0])} occurs twice")
    return tuple(cells)
