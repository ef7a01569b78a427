"""A package with an entry point, installed for one test."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


def write_package(folder: Path, module: str, source: str, group: str, entry_point: str) -> None:
    """Write `module` with the text `source`, and an entry point such as `sine = sine_player:SinePlayer`.

    Both are found by interpreters that have `folder` on their path.
    """
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry_point}\n", encoding="utf-8")


def install_package(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, source: str, group: str, entry_point: str
) -> None:
    """Write a package, and make this interpreter find it for one test."""
    write_package(folder, module, source, group, entry_point)
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
