"""The system programs that a node needs."""

from __future__ import annotations

import shutil
from collections.abc import Set as AbstractSet
from typing import Final

from tidzam.errors import SetupError
from tidzam.paths import PACKAGE

JACK_PROGRAMS: Final = frozenset({"jackd", "mpv", "icecast2"})
"""The programs that an edge node does not need."""


def missing_packages() -> dict[str, str]:
    """The programs that are not installed, each with its Debian package."""
    lines = (PACKAGE / "node" / "system_packages.txt").read_text(encoding="utf-8").splitlines()
    wanted = dict(line.split() for line in lines)
    return {program: package for program, package in wanted.items() if shutil.which(program) is None}


def require_programs(*, but: AbstractSet[str] = frozenset()) -> None:
    """Raises SetupError with all programs that are not installed, `but` those, and how to install them."""
    missing = {program: package for program, package in missing_packages().items() if program not in but}
    if missing:
        raise SetupError(
            f"System programs are missing: {', '.join(missing)}.",
            hint=f"Install them with: apt-get install {' '.join(sorted(set(missing.values())))}",
            code="programs_missing",
        )
