"""Which sample goes to which side of a split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tidzam.dataset import Origins
from tidzam.errors import DatasetError
from tidzam.naming import parse_clip_name

By = Literal["group", "day", "source"]
Sides = NDArray[np.int8]


def partition(
    units: Sequence[str], labels: NDArray[np.int32], shares: Sequence[float], *, n_classes: int, seed: int
) -> Sides:
    """The side of each sample, int8 (n,). Samples of one unit are on one side; each side gets its share of each class.

    `shares` add up to 1. Units are assigned in descending order of size, each to the side where the counts of its
    classes come closest to their shares (least squares, relative to the share); `seed` orders units of equal size.
    Then a side without samples of a class gets the smallest unit of it that another side can spare.
    """
    counts = _counts(units, labels)
    wanted = np.outer(shares, np.bincount(labels, minlength=n_classes)).tolist()
    held = np.zeros((len(shares), n_classes)).tolist()
    names = sorted(counts)
    np.random.default_rng(seed).shuffle(names)
    side_of: dict[str, int] = {}
    for unit in sorted(names, key=lambda name: -sum(counts[name].values())):
        side = min(range(len(shares)), key=lambda k: _cost(counts[unit], wanted[k], held[k]))
        side_of[unit] = side
        for label, count in counts[unit].items():
            held[side][label] += count
    _leave_no_class_out(counts, side_of, len(shares), n_classes)
    return np.fromiter((side_of[unit] for unit in units), np.int8, count=len(labels))


def count_units(units: Sequence[str], labels: NDArray[np.int32], *, n_classes: int) -> list[int]:
    """The number of units per class. A class with fewer units than there are sides cannot be on all of them."""
    seen: list[set[str]] = [set() for _ in range(n_classes)]
    for unit, label in zip(units, labels.tolist(), strict=True):
        seen[label].add(unit)
    return [len(of_class) for of_class in seen]


def units_of(origins: Origins, by: By) -> list[str]:
    """The unit of each sample: its recording, or the day or the source of its recording.

    Raises DatasetError if `by` is day and the time of a sample is unknown.
    """
    groups = origins.groups
    if by == "group":
        return groups
    unit_of: dict[str, str] = {}
    for row, group in enumerate(groups):
        if group not in unit_of:
            unit_of[group] = _day(origins, row) if by == "day" else _source(origins, row)
    return [unit_of[group] for group in groups]


def _day(origins: Origins, row: int) -> str:
    origin = origins[row]
    if origin.time is None:
        raise DatasetError(
            f"The day of recording of {origin.file} is unknown.",
            hint="Name files NAME-YYYY-MM-DD-HH-MM-SS, or use --by group.",
            code="dataset_time",
        )
    return f"{origin.time:%Y-%m-%d}"


def _source(origins: Origins, row: int) -> str:
    origin = origins[row]
    take = parse_clip_name(Path(origin.file))
    return take.source if take else origin.group


def _counts(units: Sequence[str], labels: NDArray[np.int32]) -> dict[str, dict[int, int]]:
    """The number of samples per class, for each unit."""
    counts: defaultdict[str, defaultdict[int, int]] = defaultdict(lambda: defaultdict(int))
    for unit, label in zip(units, labels.tolist(), strict=True):
        counts[unit][label] += 1
    return {unit: dict(of_unit) for unit, of_unit in counts.items()}


def _cost(unit: dict[int, int], wanted: Sequence[float], held: Sequence[float]) -> float:
    """The increase of a side's squared distance from its shares if it gets a unit."""
    return sum(
        (count * count - 2 * count * (wanted[label] - held[label])) / max(wanted[label], 1e-9)
        for label, count in unit.items()
    )


def _leave_no_class_out(counts: dict[str, dict[int, int]], side_of: dict[str, int], sides: int, n_classes: int) -> None:
    """Move units, smallest first, to sides without samples of a class, unless another side would lose a class."""
    units_on = np.zeros((sides, n_classes), np.int64)
    by_class: list[list[str]] = [[] for _ in range(n_classes)]
    for unit in sorted(counts, key=lambda name: (sum(counts[name].values()), name)):
        for label in counts[unit]:
            units_on[side_of[unit], label] += 1
            by_class[label].append(unit)
    for label, side in ((label, side) for label in range(n_classes) for side in range(sides)):
        if units_on[side, label]:
            continue
        for unit in by_class[label]:
            classes = list(counts[unit])
            if (units_on[side_of[unit], classes] > 1).all():
                units_on[side_of[unit], classes] -= 1
                units_on[side, classes] += 1
                side_of[unit] = side
                break
