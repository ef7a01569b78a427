"""Signals that arrive while a program is being imported, which takes a second or two.

Each package calls `catch_signals` in its `__init__`, which Python runs before everything else of `python -m PACKAGE`.
Without that, Ctrl-C would print a traceback of whatever is being imported, and SIGHUP would end the program.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Final

COMMANDS: Final = ("tidzam.cli", "trainer", "database_tool", "database_tool.editor")
"""Modules that people run, and that finish: SIGHUP ends them."""
SERVERS: Final = ("analyzer", "analyzer.inbox", "stream_manager", "console")
"""Modules that people run, and that go on until they are stopped: they say what SIGHUP means."""
_STDIN: Final = 0


class _Startup:
    """Which signals are caught, and what has arrived. `in_terminal`: standard input was a terminal at the start."""

    def __init__(self) -> None:
        self.in_terminal = os.isatty(_STDIN)
        self.hangup = False

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """There is nothing to undo yet. An exception may be turned into another one by what is being imported."""
        os._exit(128 + number)

    def hang_up(self, number: int, frame: FrameType | None) -> None:
        if self.is_terminal_closed():
            os._exit(128 + number)
        self.hangup = True

    def is_terminal_closed(self) -> bool:
        return self.in_terminal and not os.isatty(_STDIN)


_startup = _Startup()


def catch_signals(package: str) -> None:
    """If Python runs a module of `package` by `-m`, catch the signals that would disturb its start.

    Ctrl-C ends those that people run at once, with exit code 130, until `release_interrupts`. SIGHUP ends a server only
    if its terminal was closed, until `release_hangups` or `tidzam.hangup.on_hangup`; all other modules, which are
    processes of servers, ignore it. Signals that the caller of the program ignores stay ignored.
    """
    module = _module_being_run()
    if module.partition(".")[0] != package:
        return
    if module in (*COMMANDS, *SERVERS) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _startup.interrupt)
    if module not in COMMANDS and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, _startup.hang_up)


def release_interrupts() -> None:
    """Everything is imported: Ctrl-C raises KeyboardInterrupt from now on."""
    if signal.getsignal(signal.SIGINT) == _startup.interrupt:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def release_hangups() -> None:
    """SIGHUP ends this process from now on, also one that was caught."""
    if signal.getsignal(signal.SIGHUP) == _startup.hang_up:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        if _startup.hangup:
            signal.raise_signal(signal.SIGHUP)


def is_terminal_closed() -> bool:
    """Whether the program was started in a terminal that is closed."""
    return _startup.is_terminal_closed()


def take_hangup() -> bool:
    """Whether a SIGHUP was caught since the last call."""
    caught, _startup.hangup = _startup.hangup, False
    return caught


def _module_being_run() -> str:
    """The name after `-m`, while Python looks for that module; "" if it runs something else."""
    words = sys.orig_argv
    if sys.argv[:1] != ["-m"] or "-m" not in words[:-1]:
        return ""
    return words[words.index("-m") + 1]
