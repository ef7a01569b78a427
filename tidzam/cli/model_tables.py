"""The tables of `tidzam models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from tidzam.cli.options import console
from tidzam.errors import BundleError

if TYPE_CHECKING:  # NumPy and more
    from tidzam.audio.waveform import InputSpec
    from tidzam.bundle import Bundle, BundleManifest

EXAMPLES = 5
"""Classes that `show` prints."""


def model_row(folder: Path, name: str) -> dict[str, Any]:
    """What `list --json` says about an installed model; the reason if it cannot be used."""
    from tidzam.bundle import read_bundle

    try:
        manifest = read_bundle(folder / name).manifest
    except BundleError as error:
        return {"name": name, "error": str(error)}
    return {
        "name": name,
        "version": manifest.version,
        "input": "features" if manifest.waveform is None else "waveform",
        "rate_hz": manifest.input.rate_hz,
        "window_s": manifest.input.window_s,
        "band_hz": [manifest.input.fmin_hz, manifest.input.fmax_hz],
        "classes": len(manifest.classes),
        "formats": list(manifest.files),
        "parent": None if manifest.is_root else manifest.place,
        "ranges": manifest.range_model is not None,
        "license": manifest.license and manifest.license.name,
        "size_mb": round(_size_mb(manifest), 1),
    }


def print_models(folder: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The table of `list`."""
    if not rows:
        console.print(f"No model is installed in {folder}. Known: birdnet.", markup=False, highlight=False)
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("model", "takes", "classes", "runs on", "where", "license", "MB"):
        table.add_column(title)
    for row in rows:
        if "error" in row:
            table.add_row(escape(row["name"]), f"[red]{escape(row['error'])}[/]")
            continue
        table.add_row(
            escape(row["name"]),
            f"{row['input']}, {row['window_s']:g} s at {row['rate_hz']} Hz",
            f"{row['classes']:,}",
            ", ".join(row["formats"]),
            "every window" if row["parent"] is None else f"under {escape(row['parent'])}",
            escape(row["license"] or "not given"),
            f"{row['size_mb']:.1f}",
        )
    console.print(table)


def print_model(bundle: Bundle) -> None:
    """The table of `show`."""
    manifest = bundle.manifest
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column()
    for title, text in _facts(manifest):
        table.add_row(title, escape(text))
    console.print(table)


def _facts(manifest: BundleManifest) -> list[tuple[str, str]]:
    thresholds = sorted(set(manifest.thresholds.values()))
    facts = [
        ("model", manifest.name),
        ("version", manifest.version),
        ("takes", _takes(manifest.input)),
        ("band", f"{manifest.input.fmin_hz:g} to {manifest.input.fmax_hz:g} Hz"),
        ("returns", _returns(manifest)),
        ("threshold", f"{thresholds[0]:g}" if len(thresholds) == 1 else f"{thresholds[0]:g} to {thresholds[-1]:g}"),
        ("where", _where(manifest)),
        ("classes", _classes(manifest)),
        ("files", ", ".join(f"{entry.name} {entry.size_bytes / 1e6:.1f} MB" for entry in manifest.all_files)),
    ]
    if manifest.range_model is not None:
        facts.append(("ranges", "knows which species are likely at a place in a week"))
    if manifest.license is not None:
        facts.append(("license", f"{manifest.license.name} {manifest.license.url}".strip()))
    if manifest.origin:
        facts.append(("origin", manifest.origin))
    return facts


def _returns(manifest: BundleManifest) -> str:
    if manifest.novelty is not None:
        return f"how unusual a window is, from 0 to 1; novel from {manifest.novelty.threshold:.4g} on"
    return f"{manifest.output} of {len(manifest.classes):,} classes ({manifest.activation})"


def _where(manifest: BundleManifest) -> str:
    if manifest.novelty is not None:
        return "beside the cascade, in `analyzer.novelty`"
    return "every window" if manifest.is_root else f"under {manifest.place}"


def _takes(spec: InputSpec) -> str:
    kind = "a waveform" if len(spec.shape) == 1 else f"features of {spec.shape[0]} frames and {spec.shape[1]} mels"
    return f"{kind}, {spec.window_s:g} s at {spec.rate_hz} Hz"


def _classes(manifest: BundleManifest) -> str:
    named = [
        f"{label} ({manifest.scientific_names[label]})" if label in manifest.scientific_names else label
        for label in manifest.classes[:EXAMPLES]
    ]
    return ", ".join([*named, *(["…"] if len(manifest.classes) > EXAMPLES else [])])


def _size_mb(manifest: BundleManifest) -> float:
    return sum(entry.size_bytes for entry in manifest.all_files) / 1e6


def print_species(rows: Sequence[Mapping[str, Any]], week: int) -> None:
    """The table of `species`."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("species")
    table.add_column("scientific name", style="italic")
    table.add_column("probability", justify="right")
    for row in rows:
        table.add_row(escape(row["label"]), escape(row["scientific_name"]), f"{row['probability']:.2f}")
    console.print(table)
    when = "the whole year" if week < 1 else f"week {week} of 48"
    console.print(f"{len(rows)} species, {when}", highlight=False)
