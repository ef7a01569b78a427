"""The file names of recordings: `NAME-YYYY-MM-DD-HH-MM-SS` with or without a fraction of a second. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

SUFFIXES: Final = (".ogg", ".opus", ".wav", ".flac")

_NAME: Final = re.compile(
    r"(?P<name>.+)-(\d{4})-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)(?:\.(\d{1,6}))?\.(?:ogg|opus|wav|flac)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class RecordingName:
    """The parts of a file name: the `name` that it begins with, and the date in it, which has no time zone."""

    name: str
    local: datetime


def parse_file_name(file_name: str) -> RecordingName | None:
    """The parts of the file name of a recording; None for any other file."""
    found = _NAME.fullmatch(file_name)
    if found is None:
        return None
    name, year, month, day, hour, minute, second, fraction = found.groups()
    microsecond = int((fraction or "").ljust(6, "0"))
    try:
        return RecordingName(
            name, datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), microsecond)
        )
    except ValueError:  # a day or an hour that does not exist
        return None
