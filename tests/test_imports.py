"""The layers: which module may import which, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = "tidzam"
PROGRAMS = ("stream_manager", "analyzer", "trainer", "database_tool", "console")
HEAVY = {"jack", "tensorflow", "keras", "aiohttp", "socketio", "onnxruntime", "scipy", "soundfile", "sqlalchemy"}
_LEVELS = {
    0: """__init__ addresses ahead aio allocator atomic class_rules clocks config daytime denormals
        edge_folders error_codes errors extensions file_ages folder_changes forwarding hangup heartbeats
        icecast_passwords inbox_status keep_marks labels log naming output_hints parallel paths patterns
        process progress proxy recorder_status recording_folders recording_names recording_retention recording_session
        scrub segments startup_signals suggest tables taxa temporaries tensorflow_loader terminal text times tokens
        types validation values""",
    1: """annotations audio bundle clips dataset gaps jack manifest_fields results spectrogram speech_times
        spool time_models""",
    2: """accounts embeddings inference jobs metrics open_set open_set_report protocol recorded_sound server
        sound_index speech store""",
    3: "backup cli demo models node",
}
LEVELS: Mapping[int, frozenset[str]] = {level: frozenset(names.split()) for level, names in _LEVELS.items()}
"""The modules and packages of `tidzam`. Each may import those of lower levels, and of its own level without a cycle."""


def imports_of(package: str) -> Iterator[tuple[Path, str]]:
    """Every module that a file of `package` imports, wherever in the file it does."""
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module == package:
                yield from ((path, f"{package}.{alias.name}") for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def graph_of(package: str) -> dict[str, set[str]]:
    """Which modules and packages directly below `package` import which."""
    graph: dict[str, set[str]] = {}
    for path, name in imports_of(package):
        part = path.relative_to(ROOT / package).with_suffix("").parts[0]
        imported = name.split(".")
        if imported[0] == package and len(imported) > 1 and not imported[1].startswith("__"):
            graph.setdefault(part, set()).add(imported[1])
    return {part: imported - {part} for part, imported in graph.items()}


@pytest.mark.parametrize("package", [LIBRARY, *PROGRAMS])
def test_programs_import_the_library_and_never_one_another(package: str) -> None:
    forbidden = {*PROGRAMS, "benchmarks", "tests"} - {package}
    found = [(str(path), name) for path, name in imports_of(package) if name.partition(".")[0] in forbidden]
    assert not found


@pytest.mark.parametrize("package", PROGRAMS)
def test_programs_do_not_import_the_programs_that_run_them(package: str) -> None:
    forbidden = {f"{LIBRARY}.node", f"{LIBRARY}.cli"}
    found = [(str(path), name) for path, name in imports_of(package) if ".".join(name.split(".")[:2]) in forbidden]
    assert not found


def test_every_module_of_the_library_has_a_level() -> None:
    modules = {path.stem for path in (ROOT / LIBRARY).glob("*.py")}
    packages = {path.parent.name for path in (ROOT / LIBRARY).glob("*/__init__.py")}
    assert modules | packages == frozenset().union(*LEVELS.values())


def test_each_level_of_the_library_imports_only_lower_ones() -> None:
    level = {part: number for number, parts in LEVELS.items() for part in parts}
    upwards = [
        f"{part} imports {imported}"
        for part, names in graph_of(LIBRARY).items()
        for imported in names
        if level[imported] > level[part]
    ]
    assert not upwards


@pytest.mark.parametrize("package", [LIBRARY, "stream_manager", "analyzer", "database_tool"])
def test_packages_have_no_import_cycle(package: str) -> None:
    TopologicalSorter(graph_of(package)).prepare()


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `statement`."""
    program = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_library_costs_nothing() -> None:
    assert not loaded_by("import tidzam") & HEAVY


def test_importing_the_lowest_level_costs_nothing() -> None:
    names = sorted(LEVELS[0] - {"__init__"})
    assert not loaded_by("; ".join(f"import tidzam.{name}" for name in names)) & HEAVY


def test_importing_result_types_costs_nothing() -> None:
    assert not loaded_by("import tidzam.results, tidzam.protocol.analyzer") & (HEAVY | {"numpy"})


def test_the_command_line_starts_without_heavy_modules() -> None:
    assert not loaded_by("import tidzam.cli.__main__") & HEAVY


@pytest.mark.parametrize("program", ["stream_manager", "analyzer"])
def test_live_programs_never_import_tensorflow(program: str) -> None:
    assert not loaded_by(f"import {program}.__main__, {program}.app") & {"tensorflow", "keras", "onnx"}


def test_the_recorder_of_a_small_machine_holds_only_what_it_needs() -> None:
    unneeded = {"pydantic", "yaml", "aiohttp", "jack", "scipy", "onnxruntime", "sqlalchemy"}
    assert not loaded_by("import stream_manager.direct.__main__") & unneeded
    assert not loaded_by("import tidzam.node.watchdog") & (unneeded | {"numpy"})
    assert not loaded_by("import tidzam.node.foreground") & (unneeded | {"numpy"})


def test_datasets_are_read_and_written_without_tensorflow() -> None:
    program = "import database_tool.__main__, database_tool.editor.__main__, database_tool.editor.app"
    assert not loaded_by(program) & {"tensorflow", "keras", "onnx"}


@pytest.mark.parametrize("package", PROGRAMS)
def test_stages_do_not_import_the_composition_root(package: str) -> None:
    roots = {"app.py", "cli.py", "__main__.py"}
    found = [str(path) for path, name in imports_of(package) if name == f"{package}.app" and path.name not in roots]
    assert not found
