"""The parts that `tidzam install` knows are the extras of the package."""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

from tidzam.cli.setup import NAMED

ROOT = Path(__file__).parents[3]
NO_PARTS = {"lock", "train-gpu"}
"""Extras for the maintenance of constraints.txt, and one that a user names for pip: its packages are not pinned."""


def test_every_extra_is_a_part() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert set(NAMED) == set(config["options.extras_require"]) - NO_PARTS


def test_the_script_installs_every_part() -> None:
    cases = re.findall(r'"install ([a-z]+)"', (ROOT / "bin" / "tidzam").read_text())
    assert set(cases) == {*NAMED, "all"}
