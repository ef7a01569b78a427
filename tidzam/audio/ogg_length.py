"""The length of an Ogg file from its first and last pages, without reading what lies between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidzam.audio.part import FileBytes

_HEAD_BYTES: Final = 1 << 16
_TAIL_BYTES: Final = 1 << 17
_HEADER: Final = 27
_FIRST_FLAG: Final = 2
_NO_TIME: Final = (1 << 64) - 1
_OPUS_HZ: Final = 48000
_LATE_START_S: Final = 10.0
"""A file whose first page ends later than this was cut out of a stream, and kept its time."""


@dataclass(frozen=True, slots=True)
class AudioLength:
    """The length of a file in seconds, its channels and its sample rate."""

    length_s: float
    channels: int
    rate_hz: int


@dataclass(frozen=True, slots=True)
class _Codec:
    """The first stream of a file: frames per second of its pages' times, and those before the audio begins."""

    channels: int
    rate_hz: int
    skipped: int


def ogg_length(data: FileBytes) -> AudioLength | None:
    """The length of an Ogg file of one link with Opus, Vorbis or FLAC; None if its ends do not state it."""
    head = data.at(0, _HEAD_BYTES)
    if len(head) < _HEADER or not head.startswith(b"OggS\x00"):
        return None
    serial = head[14:18]
    codec = _codec(head[_HEADER + head[26] :][:64])
    last = _last_time(data, serial)
    if codec is None or not codec.rate_hz or last is None:
        return None
    frames = last - _late_start(head, serial, codec) - codec.skipped
    return AudioLength(frames / codec.rate_hz, codec.channels, codec.rate_hz) if frames > 0 else None


def _codec(packet: bytes) -> _Codec | None:
    """The codec, from its first packet."""
    if packet.startswith(b"OpusHead") and len(packet) >= 19:
        return _Codec(packet[9], _OPUS_HZ, int.from_bytes(packet[10:12], "little"))
    if packet.startswith(b"\x01vorbis") and len(packet) >= 16:
        return _Codec(packet[11], int.from_bytes(packet[12:16], "little"), 0)
    if packet.startswith(b"\x7fFLAC") and len(packet) >= 30:
        return _Codec((packet[29] >> 1 & 7) + 1, int.from_bytes(packet[27:30], "big") >> 4, 0)
    return None


def _late_start(head: bytes, serial: bytes, codec: _Codec) -> int:
    """The time of the first page with audio if the file does not begin at zero; else 0."""
    at = 0
    while len(header := head[at : at + _HEADER]) == _HEADER and header.startswith(b"OggS\x00"):
        time = int.from_bytes(header[6:14], "little")
        if header[14:18] == serial and 0 < time < _NO_TIME:
            return time if time > _LATE_START_S * codec.rate_hz else 0
        table = head[at + _HEADER : at + _HEADER + header[26]]
        at += _HEADER + header[26] + sum(table)
    return 0


def _last_time(data: FileBytes, serial: bytes) -> int | None:
    """The time at the end of the last complete page; None if it belongs to another stream or there is none."""
    start = max(0, data.size - _TAIL_BYTES)
    tail = data.at(start, _TAIL_BYTES)
    at = len(tail)
    while (at := tail.rfind(b"OggS\x00", 0, at)) >= 0:
        header = tail[at : at + _HEADER]
        if len(header) < _HEADER or header[5] > 7:
            continue
        end = at + _HEADER + header[26] + sum(tail[at + _HEADER : at + _HEADER + header[26]])
        time = int.from_bytes(header[6:14], "little")
        if end > len(tail) or time == _NO_TIME:
            continue
        is_header = bool(header[5] & _FIRST_FLAG)
        return None if header[14:18] != serial or is_header else time
    return None
