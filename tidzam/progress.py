"""Progress of long work, as a callback."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how many of how many units of work are done. An exception that it raises ends the work."""


def no_progress(done: int, total: int) -> None:
    """Ignore the progress."""
