"""Packages that only one sink needs."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tidzam.errors import SetupError
from tidzam.paths import checkout


def require_package(name: str, *, part: str, sink: str) -> Any:
    """The package `name`, which the optional part `part` installs. Raises SetupError if it is missing."""
    try:
        return import_module(name)
    except ImportError:
        command = f"bin/tidzam install {part}" if checkout() else f"pip install 'tidzam[{part}]'"
        raise SetupError(f"The sink {sink} needs the Python package {name}.", hint=f"Run `{command}`.") from None
