"""What the commands and the options of 2019 do: open datasets, run an operation, describe the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from database_tool import operations
from database_tool.compile import CompileRequest, CompileResult, compile_clips
from database_tool.importers.base import Parts
from database_tool.messages import resumable, say
from database_tool.options import CompileOptions, sibling, tree_of
from database_tool.partition import By, count_units, partition, units_of
from database_tool.shuffle import randomize as shuffle
from tidzam.clips import Clip
from tidzam.dataset import Dataset, open_dataset
from tidzam.dataset.manifest import MANIFEST
from tidzam.errors import DatasetError
from tidzam.terminal import progress_bar
from tidzam.text import plural

UNITS = {"group": "recordings", "day": "days", "source": "sources"}


@dataclass(frozen=True)
class Result:
    """A line for people and values for programs."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    incomplete: bool = False
    """A file could be read only in part: the command exits with status 1."""


def compile_parts(parts: Parts, dataset: Path, options: CompileOptions, *, source: Path) -> Result:
    """Compile each part of an import into `dataset`, or into DATASET-PART."""
    name = dataset.absolute().name
    return compiled(
        [
            compile_into(clips, sibling(dataset, f"{name}-{part}") if part else dataset, options, source=source)
            for part, clips in parts.items()
        ]
    )


def compile_into(clips: Sequence[Clip], folder: Path, options: CompileOptions, *, source: Path) -> CompileResult:
    """Compile clips into the dataset at `folder`, with a progress bar."""
    base = options.base(folder)
    request = CompileRequest(
        clips=clips,
        folder=folder,
        cutting=options.cutting(base),
        base=base,
        tree=tree_of(options.labels),
        source=str(source),
        strict=options.strict,
        resume=options.resume,
        processes=options.workers,
    )
    with resumable(), progress_bar("compiling", unit="clips") as advance:
        return compile_clips(request, say=say, advance=advance)


def compiled(made: Sequence[CompileResult]) -> Result:
    """Describe compiled datasets and the files that were left out."""
    values = []
    for one in made:
        skipped = [{"file": path, "reason": reason} for path, reason in one.skipped]
        values.append({**_values(one.dataset), "skipped": skipped, "incomplete": list(one.incomplete)})
    lines = [
        f"{relative(one.dataset.folder)}: {len(one.dataset):,} samples of {len(one.dataset.classes)} classes"
        + (f"; {plural(len(one.skipped), 'file')} left out" if one.skipped else "")
        + (f"; {plural(len(one.incomplete), 'file')} read in part" if one.incomplete else "")
        for one in made
    ]
    incomplete = any(one.incomplete for one in made)
    return Result("\n".join(lines), values[0] if len(values) == 1 else {"datasets": values}, incomplete)


def merge(dataset: Path, others: Sequence[Path], *, classe: str, into: Path | None) -> Result:
    """Add the samples of other datasets."""
    opened = [open_dataset(other) for other in others]
    merged = operations.merge(open_dataset(dataset), opened, _target(dataset, into), as_class=classe or None)
    added = sum(map(len, opened))
    return _result(merged, f"{added:,} of them merged", merged=added)


def split_off(dataset: Path, share: float, name: str, *, rest: str, by: str, seed: int, resume: bool) -> Result:
    """Move `share` of a dataset to another one called `name`; the rest stays, or is written to `rest`."""
    test = sibling(dataset, name or f"{dataset.absolute().name}-test")
    train = sibling(dataset, rest) if rest else dataset
    return split(dataset, [test, train], [share, 1 - share], by=by, seed=seed, resume=resume)


def split_folds(dataset: Path, folds: int, *, by: str, seed: int, resume: bool) -> Result:
    """Make `folds` datasets of equal size, next to the dataset."""
    names = [f"{dataset.absolute().name}-fold-{fold}" for fold in range(1, folds + 1)]
    places = [sibling(dataset, name) for name in names]
    return split(dataset, places, [1 / folds] * folds, by=by, seed=seed, resume=resume)


def split(
    dataset: Path, places: Sequence[Path], shares: Sequence[float], *, by: str, seed: int, resume: bool
) -> Result:
    """Divide a dataset among `places`. Its own folder may be the last of them."""
    whole = open_dataset(dataset)
    details = {"shares": [round(share, 6) for share in shares], "by": by, "seed": seed}
    for side, place in enumerate(places):
        if not (resume and operations.side_at(whole, place, side, details)):
            _require_free(place, but=dataset)
    units, classes = units_of(whole.origins(), cast(By, by)), whole.classes
    for label, count in zip(classes, count_units(units, whole.labels, n_classes=len(classes)), strict=True):
        if 0 < count < len(places):
            say(f"class {label} has fewer than {len(places)} {UNITS[by]}: it cannot be in every part")
    sides = partition(units, whole.labels, shares, n_classes=len(classes), seed=seed)
    with resumable(), progress_bar("splitting", unit="samples") as advance:
        made = operations.split(whole, places, sides, details=details, resume=resume, advance=advance)
    lines = [f"{relative(one.folder)}: {len(one):,} samples of {len(set(one.groups)):,} recordings" for one in made]
    return Result("\n".join(lines), {"parts": [_values(one) for one in made]})


def balance(dataset: Path, *, into: Path | None, seed: int, resume: bool) -> Result:
    """Copy samples until all classes have the same number."""
    whole, place = open_dataset(dataset), _target(dataset, into)
    made = operations.copies(whole)
    for label, count in whole.manifest.counts.items():
        if not count:
            say(f"class {label} is empty and stays empty")
    with resumable(), progress_bar("balancing", unit="copies") as advance:
        done = operations.balance(whole, place, seed=seed, resume=resume, advance=advance)
    per_class = ", ".join(f"{count:,} of {label}" for label, count in made.items() if count)
    return _result(done, f"{sum(made.values()):,} of them copies{': ' if per_class else ''}{per_class}", copies=made)


def randomize(dataset: Path, *, into: Path | None, seed: int, resume: bool) -> Result:
    """Shuffle the samples."""
    whole, place = open_dataset(dataset), _target(dataset, into)
    with resumable(), progress_bar("randomizing", unit="samples") as advance:
        done = shuffle(whole, place, seed=seed, resume=resume, advance=advance)
    return _result(done, f"in random order (seed {seed})", seed=seed)


def rename(dataset: Path, name: str) -> Result:
    """Rename a dataset and its folder."""
    renamed = operations.rename(open_dataset(dataset), sibling(dataset, name))
    return _result(renamed, f"was {dataset}", was=str(dataset))


def add_class(dataset: Path, label: str) -> Result:
    """Add an empty class."""
    return _result(operations.add_class(open_dataset(dataset), label), f"class {label} added")


def metadata(dataset: Path) -> Result:
    """Measure the features and record the statistics in the manifest."""
    with progress_bar("measuring", unit="samples") as advance:
        done = operations.with_statistics(open_dataset(dataset), advance=advance)
    measured = done.manifest.statistics
    mean = sum(measured["mean_db"]) / len(measured["mean_db"])
    levels = f"features from {measured['lowest_db']:.1f} to {measured['highest_db']:.1f} dB, mean {mean:.1f} dB"
    return _result(done, levels, statistics=measured)


def relative(folder: Path) -> Path:
    """A path as a person would type it in the current folder."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _target(dataset: Path, into: Path | None) -> Path:
    """Where the result is written: `into`, where no dataset may exist yet, or the dataset's own folder."""
    place = into or dataset
    _require_free(place, but=dataset)
    return place


def _require_free(place: Path, *, but: Path) -> None:
    if place.resolve() != but.resolve() and (place / MANIFEST).exists():
        raise DatasetError(f"Dataset {place} exists.", hint="Choose another name.", code="dataset_place")


def _result(dataset: Dataset, what: str, **more: Any) -> Result:
    return Result(f"{relative(dataset.folder)}: {len(dataset):,} samples, {what}", {**_values(dataset), **more})


def _values(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset": str(dataset.folder),
        "samples": len(dataset),
        "counts": dataset.manifest.counts,
        "checksum": dataset.checksum,
    }
