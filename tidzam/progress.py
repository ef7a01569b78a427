"""Callbacks by which a long operation reports its progress and messages to its caller."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the number of finished units of work and their total, 0 while that is unknown. An exception that it
raises cancels the work."""

Say = Callable[[str], None]
"""Called with a message for a person, such as the name of a file that was skipped."""


def no_progress(done: int, total: int) -> None:
    """Ignore progress."""
