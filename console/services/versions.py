"""The versions of Tidzam, of the programs that it runs, and of the libraries that it is built on."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from typing import Final

from pydantic import Field

from console.services.models import ConsoleModel
from tidzam import __version__

_PROGRAMS: Final = {
    "jackd": ("jackd", "--version"),
    "icecast2": ("icecast2", "-v"),
    "ffmpeg": ("ffmpeg", "-hide_banner", "-version"),
    "mpv": ("mpv", "--no-config", "--version"),
}
_TIMEOUT_S: Final = 5.0
_VERSION: Final = re.compile(r"\d+\.\d[\w.+~:-]*")
_REQUIRED: Final = re.compile(r"[A-Za-z0-9._-]+")


class VersionView(ConsoleModel):
    """A version."""

    name: str = Field(description="Of what")
    version: str | None = Field(description="The version; null if it is not installed or does not say")


class Versions(ConsoleModel):
    """The versions of everything that a node consists of."""

    tidzam: str = Field(description="Version of Tidzam")
    system: tuple[VersionView, ...] = Field(description="Python, and the operating system")
    programs: tuple[VersionView, ...] = Field(description="Programs that the node runs")
    libraries: tuple[VersionView, ...] = Field(description="Python libraries on which Tidzam depends, as installed")


@cache
def versions() -> Versions:
    """The versions, which are found out once. It takes a moment, as the programs are asked."""
    system = platform.freedesktop_os_release().get("PRETTY_NAME") if sys.platform == "linux" else platform.system()
    return Versions(
        tidzam=__version__,
        system=(
            VersionView(name="Python", version=platform.python_version()),
            VersionView(name=system or "Linux", version=platform.release()),
        ),
        programs=tuple(VersionView(name=name, version=_asked(argv)) for name, argv in _PROGRAMS.items()),
        libraries=tuple(_libraries()),
    )


def _asked(argv: tuple[str, ...]) -> str | None:
    try:
        answer = subprocess.run(argv, capture_output=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search((answer.stdout + answer.stderr).decode(errors="replace"))
    return found[0] if found else None


def _libraries() -> Iterator[VersionView]:
    try:
        required = metadata.requires("tidzam") or []
    except metadata.PackageNotFoundError:
        required = []
    names = {match[0] for line in required if (match := _REQUIRED.match(line))}
    for name in sorted(names, key=str.lower):
        try:
            yield VersionView(name=name, version=metadata.version(name))
        except metadata.PackageNotFoundError:
            continue  # a part that is not installed
