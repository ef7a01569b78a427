"""New headers for PCM data whose own header states a wrong length."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_WAV_LIMIT: Final = 0xFFFF0000
_AU_CODES: Final = {(8, False): 2, (16, False): 3, (24, False): 4, (32, False): 5, (32, True): 6, (64, True): 7}
_ULAW, _ALAW = 1, 27


@dataclass(frozen=True)
class Encoding:
    """How samples are stored: linear, or 8-bit µ-law or A-law by their number in AU files (`law`)."""

    rate_hz: int
    channels: int
    bits: int
    is_float: bool = False
    little_endian: bool = False
    law: int = 0

    @property
    def frame_bytes(self) -> int:
        return self.channels * ((self.bits + 7) // 8)

    @classmethod
    def of_aiff(cls, common: bytes) -> Encoding | None:
        """From a COMM chunk; None for codecs."""
        if len(common) < 18:
            return None
        channels, _, bits, exponent, mantissa = struct.unpack(">hIhHQ", common[:18])
        rate_hz = mantissa >> min(max(0, 16446 - exponent), 63)
        kinds: dict[bytes, tuple[int, bool, bool, int]] = {
            b"": (bits, False, False, 0),
            b"NONE": (bits, False, False, 0),
            b"twos": (bits, False, False, 0),
            b"sowt": (bits, False, True, 0),
            b"fl32": (32, True, False, 0),
            b"FL32": (32, True, False, 0),
            b"fl64": (64, True, False, 0),
            b"FL64": (64, True, False, 0),
            b"ulaw": (8, False, False, _ULAW),
            b"ULAW": (8, False, False, _ULAW),
            b"alaw": (8, False, False, _ALAW),
            b"ALAW": (8, False, False, _ALAW),
        }
        kind = kinds.get(common[18:22])
        return _valid(cls(rate_hz, channels, *kind)) if kind is not None else None

    @classmethod
    def of_caf(cls, description: bytes) -> Encoding | None:
        """From a desc chunk; None for codecs."""
        if len(description) < 32:
            return None
        rate, codec, flags, _, _, channels, bits = struct.unpack(">d4s5I", description)
        if codec in (b"ulaw", b"alaw"):
            return _valid(cls(_whole(rate), channels, 8, law=_ULAW if codec == b"ulaw" else _ALAW))
        return _valid(cls(_whole(rate), channels, bits, bool(flags & 1), bool(flags & 2))) if codec == b"lpcm" else None

    @classmethod
    def of_au(cls, code: int, rate_hz: int, channels: int) -> Encoding | None:
        """From an AU header; None for codecs."""
        if code in (_ULAW, _ALAW):
            return _valid(cls(rate_hz, channels, 8, law=code))
        kinds = [kind for kind, number in _AU_CODES.items() if number == code]
        return _valid(cls(rate_hz, channels, *kinds[0])) if kinds else None

    def header(self, size: int) -> bytes:
        """A WAV or AU header for `size` bytes of such data."""
        if self.little_endian and self.bits > 8:
            code = 3 if self.is_float else 1
            per_s = self.rate_hz * self.frame_bytes
            fmt = struct.pack("<HHIIHH", code, self.channels, self.rate_hz, per_s, self.frame_bytes, self.bits)
            return wav_header(fmt, size)
        code = self.law or _AU_CODES[self.bits, self.is_float]
        return struct.pack(">4s5I", b".snd", 24, 0xFFFFFFFF, code, self.rate_hz, self.channels)


def wav_header(fmt: bytes, size: int) -> bytes:
    """A header for `size` bytes of data: of WAV, or of RF64 if they are more than WAV can state."""
    format_chunk = b"fmt " + struct.pack("<I", len(fmt)) + fmt + bytes(len(fmt) & 1)
    rest = len(format_chunk) + 8 + size
    if rest < _WAV_LIMIT:
        start = struct.pack("<4sI4s", b"RIFF", 4 + rest, b"WAVE")
        return start + format_chunk + struct.pack("<4sI", b"data", size)
    start = struct.pack("<4sI4s", b"RF64", 0xFFFFFFFF, b"WAVE")
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, 4 + 36 + rest, size, 0, 0)
    return start + sizes + format_chunk + struct.pack("<4sI", b"data", 0xFFFFFFFF)


def _valid(encoding: Encoding) -> Encoding | None:
    known = (encoding.bits, encoding.is_float) in _AU_CODES
    return encoding if known and encoding.channels > 0 and encoding.rate_hz > 0 else None


def _whole(rate: float) -> int:
    return int(rate) if 0 < rate < 1 << 31 else 0
