"""Options that several commands share, and how a command finds its node."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tidzam import terminal
from tidzam.config import Settings, load_settings
from tidzam.errors import ConfigError
from tidzam.node.home import Home, find_home
from tidzam.paths import PROFILES

PIPED_WIDTH = 120
"""Width of a table that is written to a file or a pipe, so that addresses are not folded."""

console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
say = partial(terminal.say, program="tidzam")
"""Print a message or progress on stderr."""

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Home folder of the node.", show_default="$TIDZAM_HOME, or var/")
]
ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", help="YAML (or JSON) profile: a path, or the name of one in configs/.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def profile_settings(profile: str, home: Path | None = None) -> Settings:
    """The settings of a profile, given by its path or by the name of one that Tidzam contains, for the node of `home`,
    by default that of the profile."""
    path = Path(profile)
    if path.is_file():
        return load_settings(path, home=home)
    ready = PROFILES / f"{profile}.yaml"
    if not ready.is_file():
        known = ", ".join(sorted(found.stem for found in PROFILES.glob("*.yaml")))
        raise ConfigError(f"There is no profile {profile}.", hint=f"Pass the path of a file, or one of {known}.")
    return load_settings(ready, home=home)


def running_node(home: Path | None) -> tuple[Home, Settings]:
    """The node that a command refers to, and the settings of its last start. Raises NodeError if there is none."""
    found = find_home(home)
    return found, found.settings()
