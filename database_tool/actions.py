"""What the commands do, the readable ones and the original's options alike: open, operate, and say what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from database_tool import operations
from database_tool.compile import Compiled
from database_tool.options import beside
from database_tool.partition import By, count_units, partition, units_of
from database_tool.shuffle import randomize as shuffle
from database_tool.terminal import counted, progress, resumable, say
from tidzam.dataset import Dataset, open_dataset
from tidzam.dataset.manifest import MANIFEST
from tidzam.errors import DatasetError

UNITS = {"group": "recordings", "day": "days", "source": "sources"}


@dataclass(frozen=True)
class Result:
    """A line for people, values for programs."""

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    incomplete: bool = False
    """Something could be read in part only: the command ends with exit code 1."""


def compiled(made: Sequence[Compiled]) -> Result:
    """What was compiled, and what was left out."""
    values = []
    for one in made:
        skipped = [{"file": path, "reason": reason} for path, reason in one.skipped]
        values.append({**_values(one.dataset), "skipped": skipped, "incomplete": list(one.incomplete)})
    lines = [
        f"{shown(one.dataset.folder)}: {len(one.dataset):,} samples of {len(one.dataset.classes)} classes"
        + (f"; {counted(len(one.skipped), 'file')} left out" if one.skipped else "")
        + (f"; {counted(len(one.incomplete), 'file')} read in part" if one.incomplete else "")
        for one in made
    ]
    incomplete = any(one.incomplete for one in made)
    return Result("\n".join(lines), values[0] if len(values) == 1 else {"datasets": values}, incomplete)


def merge(dataset: Path, others: Sequence[Path], *, classe: str, into: Path | None) -> Result:
    opened = [open_dataset(other) for other in others]
    merged = operations.merge(open_dataset(dataset), opened, _target(dataset, into), as_class=classe or None)
    taken = sum(map(len, opened))
    return _result(merged, f"took in {taken:,} samples", merged=taken)


def split_off(dataset: Path, share: float, name: str, *, rest: str, by: str, seed: int, resume: bool) -> Result:
    """Take `share` out of a dataset into another, called `name`; what is left stays, or goes to `rest`."""
    test = beside(dataset, name or f"{dataset.absolute().name}-test")
    train = beside(dataset, rest) if rest else dataset
    return split(dataset, [test, train], [share, 1 - share], by=by, seed=seed, resume=resume)


def split_folds(dataset: Path, folds: int, *, by: str, seed: int, resume: bool) -> Result:
    """Make `folds` datasets of equal shares beside a dataset."""
    names = [f"{dataset.absolute().name}-fold-{fold}" for fold in range(1, folds + 1)]
    places = [beside(dataset, name) for name in names]
    return split(dataset, places, [1 / folds] * folds, by=by, seed=seed, resume=resume)


def split(
    dataset: Path, places: Sequence[Path], shares: Sequence[float], *, by: str, seed: int, resume: bool
) -> Result:
    """Divide a dataset among places, of which its own may be the last."""
    whole = open_dataset(dataset)
    details = {"shares": [round(share, 6) for share in shares], "by": by, "seed": seed}
    for side, place in enumerate(places):
        if not (resume and operations.side_at(whole, place, side, details)):
            _require_free(place, but=dataset)
    units, classes = units_of(whole.origins(), cast(By, by)), whole.classes
    for label, count in zip(classes, count_units(units, whole.labels, n_classes=len(classes)), strict=True):
        if 0 < count < len(places):
            say(f"class {label} has fewer than {len(places)} {UNITS[by]}: not every part has it")
    sides = partition(units, whole.labels, shares, n_classes=len(classes), seed=seed)
    with resumable(), progress("splitting", "samples") as advance:
        made = operations.split(whole, places, sides, details=details, resume=resume, advance=advance)
    lines = [f"{shown(one.folder)}: {len(one):,} samples of {len(set(one.groups)):,} recordings" for one in made]
    return Result("\n".join(lines), {"parts": [_values(one) for one in made]})


def balance(dataset: Path, *, into: Path | None, seed: int, resume: bool) -> Result:
    whole, place = open_dataset(dataset), _target(dataset, into)
    made = operations.copies(whole)
    for label, count in whole.manifest.counts.items():
        if not count:
            say(f"class {label} has no sample to copy")
    with resumable(), progress("balancing", "copies") as advance:
        done = operations.balance(whole, place, seed=seed, resume=resume, advance=advance)
    told = ", ".join(f"{count:,} of {label}" for label, count in made.items() if count)
    return _result(done, f"made {sum(made.values()):,} copies{': ' if told else ''}{told}", copies=made)


def randomize(dataset: Path, *, into: Path | None, seed: int, resume: bool) -> Result:
    whole, place = open_dataset(dataset), _target(dataset, into)
    with resumable(), progress("randomizing", "samples") as advance:
        done = shuffle(whole, place, seed=seed, resume=resume, advance=advance)
    return _result(done, f"in a random order (seed {seed})", seed=seed)


def rename(dataset: Path, name: str) -> Result:
    renamed = operations.rename(open_dataset(dataset), beside(dataset, name))
    return _result(renamed, f"was {dataset}", was=str(dataset))


def add_class(dataset: Path, label: str) -> Result:
    return _result(operations.add_class(open_dataset(dataset), label), f"has the class {label} now")


def metadata(dataset: Path) -> Result:
    with progress("measuring", "samples") as advance:
        done = operations.with_statistics(open_dataset(dataset), advance=advance)
    measured = done.manifest.statistics
    mean = sum(measured["mean_db"]) / len(measured["mean_db"])
    told = f"features from {measured['lowest_db']:.1f} to {measured['highest_db']:.1f} dB, {mean:.1f} dB on average"
    return _result(done, told, statistics=measured)


def shown(folder: Path) -> Path:
    """A path as a person would type it here."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _target(dataset: Path, into: Path | None) -> Path:
    """Where the result goes: `into`, which must be new, or the dataset's own place."""
    place = into or dataset
    _require_free(place, but=dataset)
    return place


def _require_free(place: Path, *, but: Path) -> None:
    if place.resolve() != but.resolve() and (place / MANIFEST).exists():
        raise DatasetError(f"There is a dataset at {place} already.", hint="Name another.", code="dataset_place")


def _result(dataset: Dataset, what: str, **more: Any) -> Result:
    return Result(f"{shown(dataset.folder)}: {len(dataset):,} samples, {what}", {**_values(dataset), **more})


def _values(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset": str(dataset.folder),
        "samples": len(dataset),
        "counts": dataset.manifest.counts,
        "checksum": dataset.checksum,
    }
