"""Messages of the database tool on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tidzam import terminal

PROGRAM = "database_tool"

say = partial(terminal.say, program=PROGRAM)
"""Print a message on stderr."""


@contextmanager
def resumable() -> Iterator[None]:
    """On Ctrl-C, explain how the command can be resumed."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted; existing datasets are unchanged. Repeat the command with --resume to continue.")
        raise
