"""Where samples come from: one table a dataset, kept in memory in a few bytes a row."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import overload

import numpy as np

from tidzam.errors import DatasetError

HEADER = ("file", "offset_s", "channel", "time", "group")


@dataclass(frozen=True, slots=True)
class Origin:
    """A sample's file, where in it the sample begins, its channel (None: all as one), moment (UTC) and recording."""

    file: str
    offset_s: float = 0.0
    channel: int | None = None
    time: datetime | None = None
    group: str = ""

    def row(self) -> tuple[str, str, str, str, str]:
        """As a line of the table, times to the microsecond within a file and to the millisecond of the day."""
        channel = "" if self.channel is None else str(self.channel)
        moment = "" if self.time is None else self.time.astimezone(UTC).isoformat(timespec="milliseconds")
        return self.file, f"{self.offset_s:.6f}".rstrip("0").rstrip("."), channel, moment, self.group


class _Names:
    """A column of names that recur: each is held once."""

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


def read_origins(path: Path, samples: int) -> Origins:
    """The table at `path`, which must have a row for each of `samples`. Raises DatasetError (`dataset_origins`)."""
    origins = Origins()
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != HEADER:
                raise ValueError("its columns are others")
            for row in rows:
                origins.append(_parse(row))
    except (OSError, ValueError, OverflowError, csv.Error) as error:
        raise _broken(path, str(error)) from None
    if len(origins) != samples:
        raise _broken(path, f"it has {len(origins):,} rows for {samples:,} samples")
    return origins


def _parse(row: Sequence[str]) -> Origin:
    file, offset_s, channel, moment, group = row
    return Origin(
        file,
        float(offset_s),
        int(channel) if channel else None,
        datetime.fromisoformat(moment) if moment else None,
        group,
    )


def _broken(path: Path, reason: str) -> DatasetError:
    return DatasetError(
        f"{path} cannot be used: {reason}.", hint="Copy the dataset again, or compile it anew.", code="dataset_origins"
    )
