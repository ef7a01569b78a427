"""The system programs that a node runs."""

from __future__ import annotations

import shutil

from tidzam.errors import SetupError
from tidzam.paths import PACKAGE


def missing_packages() -> dict[str, str]:
    """The programs that this machine lacks, with the Debian package of each."""
    lines = (PACKAGE / "node" / "system_packages.txt").read_text(encoding="utf-8").splitlines()
    wanted = dict(line.split() for line in lines)
    return {program: package for program, package in wanted.items() if shutil.which(program) is None}


def require_programs() -> None:
    """Raises SetupError that names every missing program, and how to get it."""
    missing = missing_packages()
    if missing:
        raise SetupError(
            f"These system programs are missing: {', '.join(missing)}.",
            hint=f"Install them: apt-get install {' '.join(sorted(set(missing.values())))}",
            code="programs_missing",
        )
