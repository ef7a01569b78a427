"""The time at which a recording began, according to what its recorder wrote into the file.

WAV files: the GUANO chunk (https://guano-md.org), AudioMoth's comment, the `wamd` chunk of Wildlife Acoustics' Song
Meters, and the origination date of Broadcast WAV (EBU Tech 3285). FLAC files: the same comment as a Vorbis comment.
Parsers take bytes and are pure; only `header_time` reads a file.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Final

from tidzam.audio.flac import is_flac
from tidzam.audio.part import FileBytes
from tidzam.audio.pcm import riff_chunks
from tidzam.recording_names import parse_zone

_COMMENT: Final = re.compile(
    r"Recorded at (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (\d\d)/(\d\d)/(\d{4})"
    r"(?: \(UTC(?:([+-])(\d{1,2})(?::? ?(\d{1,2}))?)?\))?",
    re.ASCII,
)
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(Z|[+-]\d\d:?\d\d|[+]\d\d)?", re.ASCII | re.IGNORECASE
)
_WAMD_START: Final = 0x05
_MAX_CHUNK_BYTES: Final = 1 << 16
_BEXT_DATE: Final = 320
"""Where the date begins in a `bext` chunk, after description, originator and reference."""


@dataclass(frozen=True)
class HeaderTime:
    """The time in a file's metadata: by the recorder's clock (`local`), and its zone if that is stated.

    `source` names the metadata.
    """

    local: datetime
    zone: tzinfo | None
    source: str


def header_time(path: Path) -> HeaderTime | None:
    """The time in the metadata of a WAV or FLAC file; None if there is none, or it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        data = FileBytes(descriptor)
        texts = _flac_fields(data) if is_flac(data) else _wav_fields(data)
    finally:
        os.close(descriptor)
    return find_header_time(texts)


def find_header_time(fields: Mapping[str, bytes]) -> HeaderTime | None:
    """The time in the first of PARSERS whose field holds one."""
    for name, parse in PARSERS.items():
        if name in fields and (found := parse(fields[name])) is not None:
            return found
    return None


def parse_guano(chunk: bytes) -> HeaderTime | None:
    """The `Timestamp` of a GUANO chunk: lines of `Key: value` in UTF-8."""
    for line in chunk.decode("utf-8", "replace").replace("\0", "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "Timestamp":
            return _parse_iso(value.strip(), "GUANO")
    return None


def parse_audiomoth(comment: bytes) -> HeaderTime | None:
    """The time in AudioMoth's comment: `Recorded at 06:30:00 01/05/2026 (UTC+2) by AudioMoth …`.

    The first firmware stated no zone; its clock was in UTC.
    """
    found = _COMMENT.search(comment.decode("latin-1"))
    if found is None:
        return None
    hour, minute, second, fraction, day, month, year, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or "0"), minutes=int(minutes or "0"))
    try:
        time = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), _microseconds(fraction))
        return HeaderTime(time, timezone(-offset if sign == "-" else offset) if sign else UTC, "AudioMoth comment")
    except ValueError:
        return None


def parse_wamd(chunk: bytes) -> HeaderTime | None:
    """The start of a recording in a `wamd` chunk of Wildlife Acoustics: entries of id, length and text."""
    at = 0
    while at + 6 <= len(chunk):
        number, size = struct.unpack_from("<HI", chunk, at)
        if number == _WAMD_START:
            return _parse_iso(chunk[at + 6 : at + 6 + size].decode("latin-1").strip("\0 "), "Song Meter metadata")
        at += 6 + size
    return None


def parse_bext(chunk: bytes) -> HeaderTime | None:
    """The origination date and time of a Broadcast WAV file, which has no zone. Separators may be any of `-_:. `."""
    text = chunk[_BEXT_DATE : _BEXT_DATE + 18].decode("latin-1")
    found = re.fullmatch(r"(\d{4})[-_:. /](\d\d)[-_:. /](\d\d)(\d\d)[-_:. ](\d\d)[-_:. ](\d\d)", text, re.ASCII)
    try:
        numbers = [int(number) for number in found.groups()] if found is not None else []
        return HeaderTime(datetime(*numbers), None, "Broadcast WAV") if numbers else None  # type: ignore[arg-type]
    except ValueError:
        return None


PARSERS: Final[Mapping[str, Callable[[bytes], HeaderTime | None]]] = {
    "guan": parse_guano,
    "ICMT": parse_audiomoth,
    "wamd": parse_wamd,
    "bext": parse_bext,
}
"""By the name of the chunk; the first with a time is used."""


def _parse_iso(text: str, source: str) -> HeaderTime | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    date, time, fraction, zone = found.groups()
    try:
        local = datetime.fromisoformat(f"{date}T{time}").replace(microsecond=_microseconds(fraction))
        return HeaderTime(local, parse_zone(zone.upper()) if zone else None, source)
    except ValueError:
        return None


def _microseconds(fraction: str | None) -> int:
    return int((fraction or "")[:6].ljust(6, "0"))


def _wav_fields(data: FileBytes) -> dict[str, bytes]:
    """The chunks that PARSERS read, and the entries of the INFO list."""
    fields: dict[str, bytes] = {}
    if data.at(8, 4) != b"WAVE":
        return fields
    for name, start, size in riff_chunks(data, 0):
        if name in (b"guan", b"wamd", b"bext"):
            fields.setdefault(name.decode(), data.at(start, min(size, _MAX_CHUNK_BYTES)))
        elif name == b"LIST" and data.at(start, 4) == b"INFO":
            for entry, at, length in _info_entries(data.at(start + 4, min(size - 4, _MAX_CHUNK_BYTES))):
                fields.setdefault(entry, at[:length])
    return fields


def _info_entries(raw: bytes) -> Iterator[tuple[str, bytes, int]]:
    at = 0
    while at + 8 <= len(raw):
        size = int.from_bytes(raw[at + 4 : at + 8], "little")
        yield raw[at : at + 4].decode("latin-1"), raw[at + 8 :], size
        at += 8 + size + (size & 1)


def _flac_fields(data: FileBytes) -> dict[str, bytes]:
    """The comments of a FLAC file, under the names of the chunks from which programs convert them."""
    at, last = 4, False
    while not last and len(head := data.at(at, 4)) == 4:
        last, kind, size = bool(head[0] & 0x80), head[0] & 0x7F, int.from_bytes(head[1:], "big")
        if kind == 4:
            return _vorbis_fields(data.at(at + 4, min(size, _MAX_CHUNK_BYTES)))
        at += 4 + size
    return {}


def _vorbis_fields(block: bytes) -> dict[str, bytes]:
    names = {b"COMMENT": "ICMT", b"DESCRIPTION": "ICMT", b"GUANO": "guan"}
    fields: dict[str, bytes] = {}
    at = 8 + int.from_bytes(block[:4], "little")
    while at + 4 <= len(block):
        size = int.from_bytes(block[at : at + 4], "little")
        key, _, value = block[at + 4 : at + 4 + size].partition(b"=")
        if (name := names.get(key.upper())) is not None:
            fields.setdefault(name, value)
        at += 4 + size
    return fields
