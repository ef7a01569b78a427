"""Names as people give them: a glob, or the beginning of a name."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from unicodedata import normalize


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether `name` matches one of `patterns`: a glob if it has * ? or [, else a name or its beginning.

    A number is never cut in two: `pond:out_1` is not the beginning of `pond:out_10`. The Unicode form of an accent
    does not matter.

    >>> matches("pond:out_1", ["pond:*"]), matches("pond:out_10", ["pond:out_1"])
    (True, False)
    """
    name = normalize("NFC", name)
    return any(
        fnmatchcase(name, pattern) if any(sign in pattern for sign in "*?[") else _begins(name, pattern)
        for pattern in (normalize("NFC", pattern) for pattern in patterns)
    )


def _begins(name: str, beginning: str) -> bool:
    cut = beginning[-1:].isdigit() and name[len(beginning) :][:1].isdigit()
    return name.startswith(beginning) and not cut
