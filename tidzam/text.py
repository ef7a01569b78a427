"""Text from other programs and people (file names, labels, metadata), made safe for a terminal."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Control characters, invisible characters and those that change the writing direction, except line feed and tab."""


def printable(text: str) -> str:
    r"""`text` with escape sequences such as `\x1b` in place of characters that would control a terminal."""
    return _HARMFUL.sub(_escape, text)


def shown(name: str | Path) -> str:
    r"""A file name or other text for a one-line message: like `printable`, with line breaks escaped, too."""
    return printable(os.fspath(name)).replace("\n", r"\n").replace("\t", r"\t")


def plural(count: int, noun: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def comma_list(text: str) -> tuple[str, ...]:
    """The parts of `a, b`, without blanks around them and without empty ones.

    >>> comma_list("birds, rain,")
    ('birds', 'rain')
    """
    return tuple(part.strip() for part in text.split(",") if part.strip())


def json_printable(text: str) -> str:
    """JSON text with the same meaning, in which characters that would control a terminal are escaped."""
    return _HARMFUL.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _utf16(found[0])), text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a file name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _utf16(character: str) -> list[int]:
    raw = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
