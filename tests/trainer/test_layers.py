"""The levels of the trainer: which of its modules may import which."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter

import pytest

from tests.test_imports import ROOT, imports_of

_LEVELS = {
    0: """data.cache data.source data.spectrogram_ops data.tree heads models signals tensorflow_setup topology""",
    1: """data.augmentation data.batches data.compiled data.folders data.split evaluation.calibration evaluation.plots
        evaluation.predictions export fine_tune""",
    2: "data.workers options training_file training_file_reference",
    3: "checkpoints loop output progress training_data",
    4: """backends evaluation.evaluate evaluation.model_card evaluation.table finalize tensorboard""",
    5: "app novelty openset",
    6: "cli __main__",
}
LEVELS: Mapping[str, int] = {name: level for level, names in _LEVELS.items() for name in names.split()}
"""The level of each module or package. It may import those of lower levels, and of its own level without a cycle."""


def part_of(module: str) -> str | None:
    """The module or package of `LEVELS` that `module`, without the leading `trainer.`, belongs to."""
    return next((part for part in LEVELS if module == part or module.startswith(f"{part}.")), None)


def graph() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {part: set() for part in LEVELS}
    for path, name in imports_of("trainer"):
        importing = part_of(".".join(path.relative_to(ROOT / "trainer").with_suffix("").parts))
        imported = part_of(name.removeprefix("trainer.")) if name.startswith("trainer.") else None
        if importing and imported and imported != importing:
            found[importing].add(imported)
    return found


def test_every_module_has_a_level() -> None:
    paths = [path.relative_to(ROOT / "trainer").with_suffix("") for path in (ROOT / "trainer").rglob("*.py")]
    modules = [".".join(path.parts) for path in paths if path.name != "__init__"]
    assert [module for module in modules if part_of(module) is None] == []


@pytest.mark.parametrize("part", LEVELS)
def test_each_level_imports_only_lower_ones(part: str) -> None:
    upwards = {imported for imported in graph()[part] if LEVELS[imported] > LEVELS[part]}
    assert not upwards


def test_there_is_no_import_cycle() -> None:
    TopologicalSorter(graph()).prepare()
