"""`python -m analyzer.inbox`: analyzes the files that arrive in a folder, each exactly once."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from analyzer.inbox.settings import analyze_inbox, settings_of
from tidzam.errors import TidzamError
from tidzam.log import set_up_logging

log = logging.getLogger(__name__)


def run_on_node(profile: Path) -> int:
    """Run as a program of a node. Returns the exit code: 1 if it cannot run, for the reason in its log."""
    set_up_logging()
    try:
        return analyze_inbox(settings_of(profile, None))
    except TidzamError as error:
        log.error("%s", error)
        return 1


def main() -> None:
    """Run the command line. Exit codes: 0 success, 1 failure (with one line on stderr), 2 wrong usage.

    A node starts it with `--profile FILE` alone. Its memory counts there: the library of command lines is left out.
    """
    if sys.argv[1:2] == ["--profile"] and len(sys.argv) == 3:
        sys.exit(run_on_node(Path(sys.argv[2])))
    from analyzer.inbox.command import app
    from tidzam.terminal import exit_on_error

    with exit_on_error("inference"):
        app()


if __name__ == "__main__":
    main()
