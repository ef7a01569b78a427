"""An evaluation as a table in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from trainer.evaluation.evaluate import Evaluation

COLUMNS = ("class", "windows", "threshold", "precision", "recall", "F1", "AP")


def print_evaluation(found: Evaluation) -> None:
    """Print one row per class, then the accuracy on clips if any clip has a single class."""
    values, console = found.to_dict(), Console()
    table = Table(title=f"{found.bundle.name}, {found.data}", title_justify="left", highlight=False)
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if number else "left")
    for row in table_rows(values):
        table.add_row(*row)
    console.print(table)
    clips = values["clips"]
    if clips["clips"]:
        accuracy = f"{100 * clips['accuracy']:.1f} % of {clips['clips']} clips are classified correctly"
        console.print(f"{accuracy}; macro F1 over windows: {values['macro_f1']:.3f}", highlight=False)


def table_rows(values: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """One row per class of `Evaluation.to_dict()`: its name, windows, threshold and metrics (`-` if undefined)."""
    names = ("threshold", "precision", "recall", "f1", "average_precision")
    for label, one in values["classes"].items():
        yield (label, str(one["examples"]), *("-" if one[name] is None else f"{one[name]:.3f}" for name in names))
