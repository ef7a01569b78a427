"""Globs on the wire, which are bounded, since they are matched with every window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import AfterValidator

from tidzam.protocol.messages import WireNames

_LONGEST: Final = 1024


def check_globs(names: Iterable[str]) -> None:
    """Raises ValueError if the patterns among `names` are too long together."""
    length = sum(len(name) for name in names if any(mark in name for mark in "*?["))
    if length > _LONGEST:
        raise ValueError(f"patterns may have {_LONGEST} characters together, these have {length}")


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    check_globs(names)
    return names


WireGlobs = Annotated[WireNames, AfterValidator(_checked)]
"""Names, or patterns with `*`, `?` and `[…]`, which may be at most 1024 characters long together."""
