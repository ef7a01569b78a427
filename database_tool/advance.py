"""How far long work is: what it tells, to whoever wants to know."""

from __future__ import annotations

from collections.abc import Callable

Advance = Callable[[int, int], None]
"""Told how many of how many things are done. What it raises ends the work."""


def silent(done: int, total: int) -> None:
    """For those who do not want to know."""
