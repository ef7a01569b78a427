"""What the command line shows: results on stdout, progress and what is odd on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from database_tool.operations import recordings
from tidzam.dataset import Dataset

console = Console()
errors = Console(stderr=True)

HOUR_S = 3600
FEW_RECORDINGS = 2
"""With fewer, a class cannot be on both sides of a split."""


def say(line: str) -> None:
    """Tell a person something, on stderr."""
    text = "\n".join(map(printable, line.split("\n")))
    errors.print(f"database_tool: {text}", highlight=False, markup=False, soft_wrap=True)


def printable(name: str) -> str:
    """A file's name, UTF-8 or not, that is safe for any terminal: control characters are escaped."""
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in shown)


def counted(number: int, thing: str) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def print_json(values: dict[str, Any]) -> None:
    """One JSON object on stdout, for programs."""
    console.print_json(json.dumps(values), ensure_ascii=True)  # names may not be UTF-8


@contextmanager
def resumable() -> Iterator[None]:
    """Tell of a Ctrl-C what can be done about it."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted; what was there before is untouched, and the same with --resume goes on")
        raise


@contextmanager
def progress(doing: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, and nothing elsewhere. Yields what is told how many of how many are done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def describe(dataset: Dataset) -> dict[str, Any]:
    """What `info` tells, as values."""
    manifest = dataset.manifest
    times = sorted(origin.time for origin in dataset.origins() if origin.time is not None)
    in_class = recordings(dataset)
    return {
        "name": dataset.name,
        "folder": str(dataset.folder),
        "checksum": dataset.checksum,
        "samples": len(dataset),
        "hours": round(len(dataset) * dataset.spec.window_s / HOUR_S, 3),
        "recordings": len(set(dataset.groups)),
        "first": times[0].isoformat(timespec="seconds") if times else None,
        "last": times[-1].isoformat(timespec="seconds") if times else None,
        "files": file_count(dataset),
        "size_bytes": sum(entry.features.size_bytes + entry.labels.size_bytes for entry in manifest.shards),
        "features": dataset.spec.to_dict(),
        "shape": list(dataset.spec.shape),
        "classes": [
            {
                "label": label,
                "parent": manifest.labels.parents[label],
                "samples": manifest.counts[label],
                "recordings": in_class[label],
            }
            for label in dataset.classes
        ],
        "statistics": manifest.statistics,
        "steps": manifest.provenance.get("steps", []),
    }


def file_count(dataset: Dataset) -> int:
    """How many files a dataset is made of."""
    return sum(1 for path in dataset.folder.rglob("*") if path.is_file())


def show_info(values: dict[str, Any]) -> None:
    """`describe` as a table a person reads."""
    table = Table(box=None, header_style="dim")
    for column in ("class", "under", "samples", "share", "recordings"):
        table.add_column(column, justify="left" if column in ("class", "under") else "right")
    for one in values["classes"]:
        share = one["samples"] / max(1, values["samples"])
        few = "[yellow]" if one["recordings"] < FEW_RECORDINGS else ""
        table.add_row(
            escape(one["label"]),
            escape(one["parent"] or ""),
            f"{one['samples']:,}",
            f"{share:.1%}",
            f"{few}{one['recordings']:,}",
        )
    spec, (frames, mels) = values["features"], values["shape"]
    console.print(f"[bold]{values['name']}[/]  {values['checksum'][:12]}", highlight=False)
    console.print(table)
    console.print(
        f"{values['samples']:,} samples of {spec['window_s']:g} s ({values['hours']:g} h) "
        f"from {values['recordings']:,} recordings; {frames} frames of {mels} mels at {spec['rate_hz']} Hz; "
        f"{values['files']} files, {values['size_bytes'] / 1e6:,.1f} MB",
        highlight=False,
        soft_wrap=True,
    )
    if values["first"]:
        console.print(f"from {values['first']} to {values['last']}", highlight=False)
    console.print("made by: " + ", ".join(step["operation"] for step in values["steps"]), highlight=False)
    for step in values["steps"]:
        for path, reason in step.get("files_left_out", ()):
            console.print(f"[yellow]left out[/] {escape(path)}: {escape(reason)}", highlight=False, soft_wrap=True)
