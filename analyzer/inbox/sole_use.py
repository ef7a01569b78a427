"""One inference at a time analyzes the files of a folder, whatever its home is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tidzam.errors import TidzamError
from tidzam.output_hints import hint_for
from tidzam.text import shown

_LOCK: Final = ".inference.lock"


@contextmanager
def sole_use(folder: Path) -> Iterator[None]:
    """Own the folder of the node's files until the end, or until the process is killed.

    Raises TidzamError: `journal` if another process owns it, `output` if it cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise TidzamError(
            f"The folder {shown(folder)} cannot be used: {error.strerror}.",
            hint=hint_for(error, folder),
            code="output",
        ) from None
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise other_inference(folder) from None


def other_inference(path: Path) -> TidzamError:
    """The error if another process uses `path`."""
    return TidzamError(
        f"Another process uses {shown(path)}.",
        hint="One inference at a time may analyze the files of a node: end the other one.",
        code="journal",
    )
