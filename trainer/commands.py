"""`python -m trainer evaluate`: how well a bundle does, as a table, as JSON, and as a card with pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tidzam.bundle import find_bundles, read_bundle
from tidzam.errors import TidzamError
from trainer.card import write_card
from trainer.evaluation import Evaluation, evaluate, show
from trainer.progress import say

COLUMNS = ("class", "windows", "threshold", "precision", "recall", "F1", "AP")


def evaluate_command(
    bundle: Annotated[Path, typer.Argument(help="Bundle to measure, or folder of those of a cascade")],
    dataset: Annotated[Path, typer.Argument(help="Folder with one folder per class, or a compiled dataset")],
    background: Annotated[
        list[str] | None, typer.Option(help="Class of the data that is none of the bundle's, and must not be found")
    ] = None,
    overlap: Annotated[float, typer.Option(min=0, max=0.95, help="Of a clip's windows, as a share")] = 0.0,
    card: Annotated[
        Path | None, typer.Option(help="Folder to write the model card to  [BUNDLE.evaluation]", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table")] = False,
) -> None:
    """Measure a bundle, or each of a cascade, on sound of your own, and write its model card with these figures."""
    try:
        bundles = sorted(map(read_bundle, find_bundles(bundle)), key=lambda one: not one.manifest.is_selector)
        found = evaluate(bundles, dataset, background=background or (), overlap=overlap)
        place = bundle if bundle.name.strip(".") else bundle.resolve()  # "." has no name
        home = card or place.with_name(f"{place.name}.evaluation")
        alone = bundles[0].folder == bundle
        cards = [_write_card(one, home if alone else home / one.bundle.folder.name) for one in found]
    except (TidzamError, OSError) as error:  # the card's folder may be a file, or the disk full
        say(f"trainer: {error}", style="red")
        raise typer.Exit(1) from None
    if as_json:
        values = [one.to_dict() for one in found]
        print(json.dumps(values[0] if alone else values, indent=2))
        return
    for line in found[0].remarks:
        say(line)
    for bad in found[0].bad:
        say(f"skipped: {bad.reason}")
    for one, path in zip(found, cards, strict=True):
        _print(one)
        say(f"card: {path}")
    for name in sorted({one.name for one in bundles} - {one.bundle.name for one in found}):
        say(f"{name} is not measured: {dataset} holds none of its classes")


def _write_card(found: Evaluation, home: Path) -> Path:
    return write_card(home, found.bundle.manifest, found.measures, data=found.data)


def _print(found: Evaluation) -> None:
    values, console = found.to_dict(), Console()
    table = Table(title=f"{found.bundle.name}, {found.data}", title_justify="left", highlight=False)
    for number, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if number else "left")
    for row in show(values):
        table.add_row(*row)
    console.print(table)
    clips = values["clips"]
    if clips["clips"]:
        said = f"{100 * clips['accuracy']:.1f} % of {clips['clips']} clips are named right"
        console.print(f"{said}; window by window, macro F1 {values['macro_f1']:.3f}", highlight=False)
