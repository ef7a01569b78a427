"""Screens kept as text files, compared line by line. `UPDATE_SNAPSHOTS=1 bin/tidzam test TEST` writes them again."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType


def as_text(screen: RenderableType, *, width: int, height: int) -> str:
    """What a terminal of `width` columns and `height` rows shows of a Rich renderable, without colors."""
    console = Console(file=StringIO(), width=width, height=height, color_system=None, force_terminal=True)
    console.print(screen)
    assert isinstance(console.file, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def assert_matches(path: Path, text: str) -> None:
    """Fails if `text` is not the content of the snapshot `path`."""
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text.splitlines() == path.read_text(encoding="utf-8").splitlines(), f"{path.name} shows something else"
