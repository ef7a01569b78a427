"""Signals that interrupt a command: TERM and HUP do what Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Never

import typer

from tidzam.cli.options import say

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end. What it began is undone on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """While open, the first of `SIGNALS` raises `Interrupted`, which ends the command with an exit code of 128 + its
    number. Later ones must not disturb the clean-up. A signal that is ignored, as HUP under nohup, stays so."""

    def interrupt(number: int, frame: FrameType | None) -> Never:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    except Interrupted as interruption:
        say(f"interrupted by {interruption}")
        raise typer.Exit(interruption.exit_code) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
