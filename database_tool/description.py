"""What `info` shows of a dataset."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from database_tool.operations import recordings
from tidzam.dataset import Dataset
from tidzam.terminal import stdout

HOUR_S = 3600
MIN_RECORDINGS = 2
"""A class with fewer recordings cannot be on both sides of a split."""


def describe(dataset: Dataset) -> dict[str, Any]:
    """The content of a dataset, as values for JSON."""
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
    """The number of files in a dataset's folder."""
    return sum(1 for path in dataset.folder.rglob("*") if path.is_file())


def show_info(values: dict[str, Any]) -> None:
    """Print what `describe` returned as a table."""
    spec, (frames, mels) = values["features"], values["shape"]
    stdout.print(f"[bold]{escape(values['name'])}[/]  {values['checksum'][:12]}")
    stdout.print(_class_table(values))
    stdout.print(
        f"{values['samples']:,} samples of {spec['window_s']:g} s ({values['hours']:g} h) "
        f"from {values['recordings']:,} recordings; {frames} frames of {mels} mels at {spec['rate_hz']} Hz; "
        f"{values['files']} files, {values['size_bytes'] / 1e6:,.1f} MB"
    )
    if values["first"]:
        stdout.print(f"from {values['first']} to {values['last']}")
    stdout.print("made by: " + ", ".join(step["operation"] for step in values["steps"]))
    for step in values["steps"]:
        for path, reason in step.get("files_left_out", ()):
            stdout.print(f"[yellow]left out[/] {escape(path)}: {escape(reason)}")


def _class_table(values: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="dim")
    for column in ("class", "parent", "samples", "share", "recordings"):
        table.add_column(column, justify="left" if column in ("class", "parent") else "right")
    for one in values["classes"]:
        share = one["samples"] / max(1, values["samples"])
        few = "[yellow]" if one["recordings"] < MIN_RECORDINGS else ""
        table.add_row(
            escape(one["label"]),
            escape(one["parent"] or ""),
            f"{one['samples']:,}",
            f"{share:.1%}",
            f"{few}{one['recordings']:,}",
        )
    return table
