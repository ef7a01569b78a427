"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that is spelled most like `name`; None if none is similar."""
    found = get_close_matches(name, list(known), n=1)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question to begin a hint with, such as `Did you mean 'url'? `; empty if nothing is similar.

    >>> did_you_mean("analizer", ["analyzer", "jack"])
    "Did you mean 'analyzer'? "
    """
    near = nearest(name, known)
    return f"Did you mean {near!r}? " if near is not None else ""
