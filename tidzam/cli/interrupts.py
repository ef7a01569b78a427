"""Signals that interrupt a command: SIGTERM and SIGHUP act like Ctrl-C."""

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
    """A signal interrupts the command, which undoes what it has begun."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """While open, the first of `SIGNALS` raises `Interrupted`, which ends the command with exit code 128 plus its
    number. Later signals are ignored, so that they do not disturb the clean-up. A signal that was ignored before, such
    as SIGHUP under nohup, stays ignored."""

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
