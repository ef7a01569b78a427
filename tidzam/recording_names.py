"""The time at which a recording began, read from its file name by a table of patterns. Pure.

`PATTERNS` holds the names that recorders and programs give. A pattern of one's own is written like the argument of
`strftime` (`compile_pattern`), and is tried before the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import PurePath
from typing import Final

_DIRECTIVES: Final[Mapping[str, str]] = {
    "Y": r"(?P<Y>(?:19|20)\d\d)",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>0[1-9]|1[0-2])",
    "d": r"(?P<d>0[1-9]|[12]\d|3[01])",
    "H": r"(?P<H>[01]\d|2[0-3])",
    "M": r"(?P<M>[0-5]\d)",
    "S": r"(?P<S>[0-5]\d)",
    "f": r"(?P<f>\d{1,6})",
    "z": r"(?P<z>Z(?![A-Za-z])|UTC(?![A-Za-z])|[+-]\d\d:?[0-5]\d(?!\d)|[+]\d\d(?!\d))",
    "s": r"(?P<s>\d{9,10})",
    "h": r"(?P<h>[0-9A-F]{8})",
}
DIRECTIVES: Final[Mapping[str, str]] = {
    "%Y": "year, four digits",
    "%y": "year of this century, two digits",
    "%m": "month, 01 to 12",
    "%d": "day, 01 to 31",
    "%H": "hour, 00 to 23",
    "%M": "minute",
    "%S": "second",
    "%f": "fraction of a second, one to six digits",
    "%z": "time zone: Z, UTC, +02, +0200 or +02:00",
    "%s": "seconds since 1970 in UTC",
    "%h": "seconds since 1970 in UTC, eight hexadecimal digits",
}
"""What the directives of a pattern stand for."""

_EARLIEST, _LATEST = datetime(2014, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)
"""Hexadecimal times outside of this are no times: the first AudioMoth is of 2017."""
_SUFFIX: Final = re.compile(r"\.(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{2,5}", re.ASCII)
"""The suffix of a file name. Digits only are part of a time: `pond-2026-05-01-06-30-00.250`."""


@dataclass(frozen=True)
class NamedTime:
    """The time in a file name: by its clock (`local`, without a zone), and the zone if the name states one.

    `name` is the part before the time, without separators at its end; it may be empty. `pattern` is the kind of name.
    """

    name: str
    local: datetime
    zone: tzinfo | None
    pattern: str


@dataclass(frozen=True)
class NamePattern:
    """A kind of file name. `expression` matches a whole name without its suffix; `example` is one."""

    title: str
    expression: re.Pattern[str]
    example: str

    def find(self, stem: str) -> NamedTime | None:
        """The time in a file name without its suffix; None if it is not of this kind, or states no valid time."""
        found = self.expression.fullmatch(stem)
        if found is None:
            return None
        parts = {key: value for key, value in found.groupdict().items() if value is not None}
        try:
            local, zone = _time(parts)
        except (ValueError, OverflowError):
            return None
        return NamedTime(parts.get("name", "").rstrip("-_. $"), local, zone, self.title)


def compile_pattern(text: str) -> NamePattern:
    """A pattern in the form of `strftime`: DIRECTIVES, `*` for any text, `[…]` for an optional part.

    It describes the whole name without the suffix. What the first `*` stands for is the recording's name.

    >>> compile_pattern("*_%d.%m.%Y_%Hh%M").find("pond_01.05.2026_06h30").local.isoformat()
    '2026-05-01T06:30:00'

    Raises ValueError with the reason if it is not valid, or has no date and hour.
    """
    pieces = re.findall(r"%.?|[^%]", text, re.DOTALL)
    letters = [piece[1:] for piece in pieces if piece[0] == "%" and piece != "%%"]
    if unknown := [letter for letter in letters if letter not in _DIRECTIVES]:
        raise ValueError(f"there is no directive %{unknown[0]}; the known ones are {', '.join(DIRECTIVES)}")
    if twice := next((letter for letter in letters if letters.count(letter) > 1), None):
        raise ValueError(f"%{twice} occurs twice")
    if not (set(letters) >= {"m", "d", "H"} and {"Y", "y"} & set(letters)) and not {"s", "h"} & set(letters):
        raise ValueError("a pattern needs %Y (or %y), %m, %d and %H, or %s, or %h")
    try:
        return NamePattern(text, re.compile("".join(_expressions(pieces)), re.ASCII | re.DOTALL), text)
    except re.error:
        raise ValueError("the square brackets are not balanced") from None


def _expressions(pieces: Sequence[str]) -> Iterator[str]:
    """The regular expressions of the directives and characters of a pattern. No text cuts a number in two."""
    named = False
    for at, piece in enumerate(pieces):
        if piece == "*":
            if at and _is_directive(pieces[at - 1]):
                yield r"(?!\d)"
            yield r".*?" if named else r"(?P<name>.*?)"
            named = True
            if at + 1 < len(pieces) and _is_directive(pieces[at + 1]):
                yield r"(?<!\d)"
        elif piece in ("[", "]"):
            yield "(?:" if piece == "[" else ")?"
        else:
            yield _DIRECTIVES[piece[1:]] if _is_directive(piece) else re.escape(piece[-1])


def _is_directive(piece: str) -> bool:
    return piece[0] == "%" and piece != "%%"


def _pattern(title: str, expression: str, example: str) -> NamePattern:
    for letter, meaning in _DIRECTIVES.items():
        expression = expression.replace(f"%{letter}", meaning)
    return NamePattern(title, re.compile(expression, re.ASCII | re.DOTALL), example)


_FRACTION_AND_ZONE: Final = r"(?:[._](?P<f>\d{3})(?!\d))?(?:[_ ]?%z)?(?!\d)"
PATTERNS: Final = (
    _pattern("Tidzam", r"(?P<name>.+)[-_]%Y-%m-%d-%H-%M-%S(?:\.%f)?", "pond-2026-05-01-06-30-00.250"),
    _pattern("AudioMoth, hexadecimal", r"%h", "5EC5A158"),
    _pattern(
        "AudioMoth, Song Meter, Swift, PAMGuard and others",
        rf"(?P<name>.*?)(?<!\d)%Y%m%d[_$T. -]?%H%M%S{_FRACTION_AND_ZONE}.*",
        "SITE_20260501_063000",
    ),
    _pattern(
        "dates with hyphens (Anabat, BirdNET-Pi, Vesper, JASCO)",
        rf"(?P<name>.*?)(?<!\d)%Y-%m-%d[-_T ](?:[A-Za-z]+[-_])?%H[-_.:]?%M[-_.:]?%S{_FRACTION_AND_ZONE}.*",
        "2026-05-01 06-30-00",
    ),
    _pattern(
        "dates with underscores",
        rf"(?P<name>.*?)(?<!\d)%Y_%m_%d[_T ]%H[_.:]?%M[_.:]?%S{_FRACTION_AND_ZONE}.*",
        "site_2026_05_01_06_30_00",
    ),
    _pattern("Merlin", r"(?P<name>.*?)(?<!\d)%Y-%m-%d %H_%M(?!\d).*", "2026-05-01 06_30"),
    _pattern("SoundTrap", r"(?P<name>(?:.*[^\d])?)%y%m%d%H%M%S(?!\d)", "5205.260501063000"),
    _pattern(
        "two-digit years (HARP, NRS)",
        r"(?P<name>.*?[^\d])%y%m%d[_-]%H%M%S(?!\d).*",
        "SITE_03_260501_063000_df100",
    ),
)
"""The known kinds of file names; the first that fits is used."""


def parse_recording_name(path: PurePath, own: Iterable[NamePattern] = ()) -> NamedTime | None:
    """The time in the name of a recording, by one's `own` patterns, then PATTERNS; None if there is none.

    >>> found = parse_recording_name(PurePath("POND_20260501_063000+0200.wav"))
    >>> found.name, found.local.isoformat(), str(found.zone)
    ('POND', '2026-05-01T06:30:00', 'UTC+02:00')
    """
    stem = stem_of(path)
    return next((found for pattern in (*own, *PATTERNS) if (found := pattern.find(stem)) is not None), None)


def stem_of(path: PurePath) -> str:
    """The file name without its suffix; a fraction of a second is not one."""
    name, suffix = path.name, path.suffix
    return name[: -len(suffix)] if _SUFFIX.fullmatch(suffix) else name


def _time(parts: Mapping[str, str]) -> tuple[datetime, tzinfo | None]:
    """Raises ValueError if there is no such time."""
    if "h" in parts or "s" in parts:
        seconds = int(parts["h"], 16) if "h" in parts else int(parts["s"])
        time = datetime.fromtimestamp(seconds, UTC)
        if "h" in parts and not _EARLIEST <= time < _LATEST:
            raise ValueError("not a time")
        return time.replace(tzinfo=None), UTC
    year = int(parts["Y"]) if "Y" in parts else 2000 + int(parts["y"])
    microsecond = int(parts.get("f", "").ljust(6, "0"))
    day = (year, int(parts["m"]), int(parts["d"]), int(parts["H"]))
    local = datetime(*day, int(parts.get("M", "0")), int(parts.get("S", "0")), microsecond)
    return local, parse_zone(parts["z"]) if "z" in parts else None


def parse_zone(text: str) -> tzinfo:
    """The time zone `Z`, `UTC`, `+02`, `+0200` or `+02:00`. Raises ValueError."""
    if text in ("Z", "UTC"):
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or "0"))
    if offset > timedelta(hours=14):
        raise ValueError(f"{text} is not a time zone")
    return timezone(-offset if text[0] == "-" else offset)
