"""Where samples come from: one table per dataset, kept in memory in a few bytes per row."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Final, overload

import numpy as np

from tidzam.dataset.arrays import open_own, os_reason
from tidzam.errors import DatasetError

HEADER = ("file", "offset_s", "channel", "time", "group")
LONGEST_S: Final = 1e9
MAX_CHANNEL: Final = 32767
"""The largest value of the two bytes that a channel takes in memory."""

_NUMBER: Final = re.compile(r"\d{1,12}(\.\d{0,12})?", re.ASCII)
_CHANNEL: Final = re.compile(r"\d{1,5}", re.ASCII)
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Origin:
    """A sample's file, its offset in the file, its channel (None: all, mixed to one), time (UTC) and recording."""

    file: str
    offset_s: float = 0.0
    channel: int | None = None
    time: datetime | None = None
    group: str = ""

    def row(self) -> tuple[str, str, str, str, str]:
        """The row of the table, times to the microsecond within a file and to the millisecond of the day."""
        channel = "" if self.channel is None else str(self.channel)
        moment = "" if self.time is None else self.time.astimezone(UTC).isoformat(timespec="milliseconds")
        return self.file, f"{self.offset_s:.6f}".rstrip("0").rstrip("."), channel, moment, self.group


def write_row(file: IO[str], row: Sequence[object]) -> None:
    """Write a row of a table so that it can be read back, with a carriage return in a name too.

    Python's writer quotes that only from version 3.13 on.
    """
    quoted = any("\r" in value for value in row if isinstance(value, str))
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerow(row)


class _Names:
    """A column of recurring names: each is stored once."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._rows = array("i")

    def append(self, name: str) -> None:
        number = self._numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        self._rows.append(number)

    def __getitem__(self, row: int) -> str:
        return self.names[self._rows[row]]

    def __iter__(self) -> Iterator[str]:
        return (self.names[number] for number in self._rows)


class Origins(Sequence[Origin]):
    """The origins of a dataset's samples, in their order."""

    def __init__(self, origins: Iterable[Origin] = ()) -> None:
        self._files, self._groups = _Names(), _Names()
        self._offsets_s, self._times_s = array("d"), array("d")
        self._channels = array("h")
        for origin in origins:
            self.append(origin)

    def append(self, origin: Origin) -> None:
        self._files.append(origin.file)
        self._groups.append(origin.group)
        self._offsets_s.append(origin.offset_s)
        self._times_s.append(np.nan if origin.time is None else origin.time.timestamp())
        self._channels.append(-1 if origin.channel is None else origin.channel)

    def __len__(self) -> int:
        return len(self._offsets_s)

    @overload
    def __getitem__(self, index: int) -> Origin: ...
    @overload
    def __getitem__(self, index: slice) -> Origins: ...
    def __getitem__(self, index: int | slice) -> Origin | Origins:
        if isinstance(index, slice):
            return Origins(self[row] for row in range(*index.indices(len(self))))
        channel, time_s = self._channels[index], self._times_s[index]
        return Origin(
            self._files[index],
            self._offsets_s[index],
            None if channel < 0 else channel,
            None if np.isnan(time_s) else datetime.fromtimestamp(time_s, UTC),
            self._groups[index],
        )

    @property
    def groups(self) -> list[str]:
        """The recording of each sample."""
        return list(self._groups)


def read_origins(path: Path, samples: int | None = None) -> Origins:
    """Read the table at `path`, which must have `samples` rows, if their number is known.

    Raises DatasetError (`dataset_origins`), which names the faulty line.
    """
    origins, line = Origins(), 1
    try:
        with open_own(path) as raw, TextIOWrapper(raw, "utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.reader(file, strict=True)
            if tuple(next(rows, ())) != HEADER:
                raise ValueError(f"its columns differ from {','.join(HEADER)}")
            for row in rows:
                line = rows.line_num
                origins.append(_parse(row))
    except OSError as error:
        raise _broken(path, os_reason(error)) from None
    except (ValueError, OverflowError, csv.Error) as error:
        raise _broken(path, f"line {line}: {error}") from None
    if samples is not None and len(origins) != samples:
        raise _broken(path, f"it has {len(origins):,} rows, expected {samples:,}")
    return origins


def _parse(row: Sequence[str]) -> Origin:
    """Raises ValueError with the fault of the row."""
    if len(row) != len(HEADER):
        raise ValueError(f"{len(row)} values, expected {len(HEADER)}")
    file, offset_s, channel, moment, group = row
    if "\0" in file:
        raise ValueError("the file's name holds a NUL byte")
    return Origin(file, _offset_s(offset_s), _channel(channel), _moment(moment), group)


def _offset_s(text: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else -1.0
    if not 0 <= value < LONGEST_S:
        raise ValueError(f"offset_s is {text[:_SHOWN]!r}, expected seconds")
    return value


def _channel(text: str) -> int | None:
    if not text:
        return None
    if not _CHANNEL.fullmatch(text) or int(text) > MAX_CHANNEL:
        raise ValueError(f"channel is {text[:_SHOWN]!r}, expected a number from 0 to {MAX_CHANNEL}")
    return int(text)


def _moment(text: str) -> datetime | None:
    """A time, which is UTC unless it states otherwise, and which survives conversion to seconds and back."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromtimestamp(moment.timestamp(), UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"time is {text[:_SHOWN]!r}, expected a time such as 2026-05-01T06:30:00+00:00") from None


def _broken(path: Path, reason: str) -> DatasetError:
    return DatasetError(
        f"{path} cannot be used: {reason}.", hint="Copy the dataset again, or create it again.", code="dataset_origins"
    )
