"""What every command line shares: messages, progress and results at a terminal, and errors as exit codes.

Results go to stdout, everything else to stderr, so that a command can be piped. A program uses it like this:

    app = command_line(help="Count the frogs.")
    say = partial(terminal.say, program="frogs")

    @app.command()
    def count(folder: Path) -> None:
        with progress_bar("counting", unit="files") as bar:
            found = count_frogs(folder, advance=bar)
        say(f"{folder}: {plural(found, 'frog')}")

    def main() -> None:
        with exit_on_error("frogs"):
            app()
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from tidzam.errors import TidzamError
from tidzam.startup_signals import release_interrupts
from tidzam.text import printable

FAILED = 1
"""Exit code of a command that a TidzamError ended."""

INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended, as in a shell: 128 plus the number of the signal."""

stdout = Console(soft_wrap=True, highlight=False)
"""For results. Lines are not folded, so that what is piped keeps its lines."""

stderr = Console(stderr=True, soft_wrap=True, highlight=False)
"""For messages and progress."""


def command_line(**settings: Any) -> typer.Typer:
    """A Typer application with the settings that all programs share; `settings` are further arguments of Typer."""
    return typer.Typer(
        **{
            "add_completion": False,
            "pretty_exceptions_enable": False,
            "context_settings": {"help_option_names": ["-h", "--help"]},
            **settings,
        }
    )


@contextmanager
def exit_on_error(program: str) -> Iterator[None]:
    """Report a TidzamError in one line on stderr and exit with status 1. Other exceptions pass.

    Ctrl-C raises KeyboardInterrupt from now on, for which the exit status is 130.
    """
    try:
        release_interrupts()
        yield
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except TidzamError as error:
        say(str(error), program=program)
        sys.exit(FAILED)


def say(message: str, *, program: str = "", style: str = "") -> None:
    """Print a message on stderr, after the program's name if there is one.

    Control characters are escaped and Rich's markup is not interpreted, so `message` may quote any file name.
    """
    name = Text(f"{program}: ", "dim") if program else Text()
    stderr.print(name.append(printable(message), style or "not dim"))


def print_json(values: Any) -> None:
    """Print one JSON value on stdout, for programs; ASCII only, since a path may not be valid UTF-8."""
    stdout.print_json(json.dumps(values), ensure_ascii=True)


class ProgressBar:
    """A progress bar on stderr. It is called as a `tidzam.progress.Progress`, from any thread."""

    def __init__(self, bar: Progress, description: str) -> None:
        self._bar = bar
        self._task = bar.add_task(description, total=None)

    @property
    def visible(self) -> bool:
        """Whether stderr is a terminal. A program may print lines of progress instead if it is not."""
        return not self._bar.disable

    def __call__(self, done: float, total: float | None) -> None:
        """Show that `done` of `total` units are finished; `total` is 0 or None while it is not known."""
        self._bar.update(self._task, completed=done, total=total or None)

    def describe(self, description: str) -> None:
        """Replace the text before the bar."""
        self._bar.update(self._task, description=printable(description))


@contextmanager
def progress_bar(description: str, *, unit: str = "") -> Iterator[ProgressBar]:
    """Show a progress bar for as long as the context is open; nothing if stderr is not a terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit, markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        yield ProgressBar(bar, printable(description))
