"""When a recording began: from its file name and its metadata together, in UTC.

A recorder writes the same clock into both, but most names lack the zone. Where both state a time, the clock is that of
the name, and the zone that of the metadata: programs that cut files copy the metadata of the whole and name each part
by its own time. The metadata's time is used if the name has none, or if both are the same to a second, since it may
have a fraction. A time for which neither states a zone is in the zone of `TimeRules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final, Self
from zoneinfo import ZoneInfo

from tidzam.audio.recorder_headers import HeaderTime, header_time
from tidzam.recording_names import NamedTime, NamePattern, compile_pattern, parse_recording_name, stem_of

_SAME: Final = timedelta(seconds=1)
_YEARS: Final = range(1900, 2200)
"""Metadata with other years are damaged."""


@dataclass(frozen=True)
class TimeRules:
    """How times are read: the `zone` of those that state none, and additional patterns of file names."""

    zone: tzinfo = UTC
    patterns: tuple[NamePattern, ...] = ()

    @classmethod
    def of(cls, time_zone: str, patterns: Iterable[str]) -> Self:
        """From settings that were validated."""
        return cls(ZoneInfo(time_zone), tuple(compile_pattern(pattern) for pattern in patterns))


@dataclass(frozen=True)
class RecordingTime:
    """The name of a recording, without the time in it, and its start in UTC, None if it is unknown.

    `source` says where the start was read. The name may be empty.
    """

    name: str
    start: datetime | None
    source: str = ""


def recording_time(path: Path, rules: TimeRules) -> RecordingTime:
    """When the recording in a file began. Never raises: what cannot be read states no time."""
    return combined_time(stem_of(path), parse_recording_name(path, rules.patterns), header_time(path), rules)


def combined_time(stem: str, named: NamedTime | None, header: HeaderTime | None, rules: TimeRules) -> RecordingTime:
    """The start according to what the name and the metadata state, either of which may state nothing."""
    if named is None:
        if header is None:
            return RecordingTime(stem, None)
        return _begun(stem, header.local, header.zone or rules.zone, header.source)
    if named.zone is not None:
        return _begun(named.name, named.local, named.zone, f"file name ({named.pattern})")
    source = f"file name ({named.pattern})"
    if header is None:
        return _begun(named.name, named.local, rules.zone, source)
    local = header.local if abs(header.local - named.local) < _SAME else named.local
    if header.zone is not None:
        source = f"{source}, zone from {header.source}"
    return _begun(named.name, local, header.zone or rules.zone, source)


def _begun(name: str, local: datetime, zone: tzinfo, source: str) -> RecordingTime:
    """The recording that began at a time by the clock of a zone; if there was no recorder in that year, the time is
    unknown. Of an hour that occurs twice, the first is meant."""
    if local.year not in _YEARS:
        return RecordingTime(name, None)
    return RecordingTime(name, local.replace(tzinfo=zone).astimezone(UTC), source)
