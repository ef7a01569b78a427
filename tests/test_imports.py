"""Who may know whom, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GROUND = "tidzam"
PROGRAMS = ("stream_manager", "analyzer", "trainer", "database_tool")
HEAVY = {"jack", "tensorflow", "keras", "aiohttp", "socketio", "onnxruntime", "scipy", "soundfile"}


def imports_of(package: str) -> Iterator[tuple[Path, str]]:
    """Every module that a file of `package` imports, wherever in the file it does."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


@pytest.mark.parametrize("package", [GROUND, *PROGRAMS])
def test_programs_stand_on_the_ground_and_never_on_one_another(package: str) -> None:
    forbidden = {*PROGRAMS, "benchmarks", "tests"} - {package}
    found = [(str(path), name) for path, name in imports_of(package) if name.partition(".")[0] in forbidden]
    assert not found


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `statement`."""
    program = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_ground_costs_nothing() -> None:
    assert not loaded_by("import tidzam") & HEAVY


def test_the_command_line_starts_without_heavy_modules() -> None:
    assert not loaded_by("import tidzam.cli.__main__") & HEAVY


@pytest.mark.parametrize("program", ["stream_manager", "analyzer"])
def test_live_programs_never_import_tensorflow(program: str) -> None:
    assert not loaded_by(f"import {program}.__main__, {program}.app") & {"tensorflow", "keras", "onnx"}


def test_datasets_are_read_and_written_without_tensorflow() -> None:
    program = "import database_tool.__main__, database_tool.editor.__main__, database_tool.editor.app"
    assert not loaded_by(program) & {"tensorflow", "keras", "onnx"}


@pytest.mark.parametrize("package", PROGRAMS)
def test_stages_do_not_import_the_composition_root(package: str) -> None:
    roots = {"app.py", "__main__.py"}
    found = [str(path) for path, name in imports_of(package) if name == f"{package}.app" and path.name not in roots]
    assert not found
