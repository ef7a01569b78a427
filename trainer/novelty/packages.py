"""The packages of the extra `novelty`, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from tidzam.errors import SetupError


def package(name: str, *modules: str) -> Any:
    """A package with some of its modules imported. Raises SetupError if it is missing."""
    try:
        found = importlib.import_module(name)
        for module in modules:
            importlib.import_module(f"{name}.{module}")
    except ImportError as error:
        raise SetupError(
            f"Novelty bundles cannot be trained: {error}.",
            hint="Install the packages with `tidzam install novelty` or pip install 'tidzam[novelty]'.",
        ) from None
    return found
