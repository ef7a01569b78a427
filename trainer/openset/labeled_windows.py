"""The windows of annotations and of background, with what is heard in each. Pure functions of annotations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.clips import group_of
from tidzam.embeddings.windows import AudioWindow
from trainer.openset.annotations import Annotation, Use
from trainer.openset.recognizer import FOLDS

HEARD: Final = 0.5
"""A tag is heard in a window if that holds this share of the annotation, or the annotation this share of the window."""
_BLOCKS_S: Final = (math.inf, 60.0, 15.0, 3.0)
"""The lengths of sections of recordings that cross-validation may keep whole."""
_SLACK: Final = 1e-6


@dataclass(frozen=True)
class LabeledWindow:
    """A window, and the tag that it was made for, or none for background. `heard` has all tags that are heard in it.

    Background `is_stated` if somebody states that it holds no sound of interest.
    """

    window: AudioWindow
    tag: str
    use: Use
    heard: frozenset[str] = frozenset()
    is_stated: bool = False

    @property
    def is_background(self) -> bool:
        return not self.tag


def label_windows(
    annotations: Sequence[Annotation], lengths_s: Mapping[Path, float], window_s: float, *, max_background: int
) -> list[LabeledWindow]:
    """The windows of `annotations` that have a use; the others only say what is no background. Files that `lengths_s`
    lacks are left out.

    A short annotation, or a short section that is stated to be background, has one window, around its middle; a long
    annotation is covered by several. Background has one window after the other, without those that touch an annotation;
    of more than `max_background` for a use, as many are taken at equal distances.
    """
    by_file: dict[Path, list[Annotation]] = {}
    for one in annotations:
        if one.path in lengths_s:
            by_file.setdefault(one.path, []).append(one)
    found = [
        window
        for path, of_file in by_file.items()
        for one in of_file
        for window in _windows_of(one, of_file, lengths_s[path], window_s)
    ]
    kept = {use: _thinned(found, use, max_background) for use in ("train-background", "test-background")}
    dropped = {id(one) for windows in kept.values() for one in windows}
    return list(dict.fromkeys(one for one in found if id(one) not in dropped))


def window_starts_s(start_s: float, end_s: float, window_s: float, length_s: float) -> list[float]:
    """Where the windows of a section of a file of `length_s` begin, in seconds.

    >>> window_starts_s(10.0, 10.5, 3.0, 60.0)
    [8.75]
    >>> window_starts_s(0.0, 5.0, 3.0, 5.0)
    [0.0, 2.0]
    """
    last = max(0.0, length_s - window_s)
    if end_s - start_s <= window_s + _SLACK:
        return [min(max(0.0, (start_s + end_s - window_s) / 2), last)]
    count = math.ceil((end_s - start_s) / window_s - _SLACK)
    starts = np.linspace(start_s, end_s - window_s, count)
    found: list[float] = np.clip(starts, 0.0, last).tolist()
    return found


def tags_in(windows: Iterable[LabeledWindow], use: Use) -> dict[str, int]:
    """The number of windows in which each tag is heard, by tag, in alphabetical order."""
    counts: dict[str, int] = {}
    for one in windows:
        for tag in one.heard if one.use == use else ():
            counts[tag] = counts.get(tag, 0) + 1
    return dict(sorted(counts.items()))


def files_by_use(windows: Sequence[LabeledWindow]) -> dict[str, list[str]]:
    """The files of the windows of each use, in alphabetical order."""
    uses = sorted({one.use for one in windows})
    return {use: sorted({str(one.window.path) for one in windows if one.use == use}) for use in uses}


def targets_for(windows: Sequence[LabeledWindow], tags: Sequence[str]) -> NDArray[np.float64]:
    """1 where a tag is heard in a window, else 0; shape (windows, tags)."""
    return np.array([[float(tag in one.heard) for tag in tags] for one in windows]).reshape(len(windows), len(tags))


def groups_for(windows: Sequence[LabeledWindow]) -> NDArray[np.int64]:
    """The number of each window's recording, shape (n,), which cross-validation keeps whole.

    If a tag is heard in fewer recordings than there are folds, it is the number of a section of a recording: of the
    longest sections of which enough hold the tag. Otherwise, a tag would be held out whole.
    """
    names: list[tuple[str, int]] = []
    for block_s in _BLOCKS_S:
        names = [(group_of(one.window.path), int(one.window.start_s // block_s)) for one in windows]
        held = {(tag, name) for name, one in zip(names, windows, strict=True) for tag in one.heard}
        if all(count >= FOLDS for count in Counter(tag for tag, _ in held).values()):
            break
    return _numbered(names)


def recordings_for(windows: Sequence[LabeledWindow], window_s: float) -> NDArray[np.int64]:
    """A number for each window, shape (n,), which consecutive windows of one file share."""
    names, number = [], 0
    for before, one in zip([None, *windows], windows, strict=False):
        if before is not None:
            here, there = one.window, before.window
            is_next = abs(here.start_s - there.start_s - window_s) < 0.01
            number += not (is_next and (here.path, here.channel) == (there.path, there.channel))
        names.append(number)
    return np.array(names, dtype=np.int64)


def _windows_of(
    one: Annotation, of_file: Sequence[Annotation], length_s: float, window_s: float
) -> Iterator[LabeledWindow]:
    end_s = length_s if one.end_s is None else min(one.end_s, length_s)
    if one.use is None or one.start_s >= end_s:
        return
    count = int((end_s - one.start_s) / window_s + _SLACK)
    if one.is_background and (count or not one.is_stated):
        starts = [one.start_s + number * window_s for number in range(count)]
    else:
        starts = window_starts_s(one.start_s, end_s, window_s, length_s)
    for start_s in starts:
        overlaps = [
            (other.tag, _overlap(other, start_s, window_s, length_s))
            for other in of_file
            if not other.is_background and (other.channel is None or one.channel in (None, other.channel))
        ]
        if one.is_background and any(share > 0 for _, share in overlaps):
            continue
        heard = frozenset(tag for tag, share in overlaps if share >= HEARD - _SLACK)
        window = AudioWindow(one.path, round(start_s, 3), one.channel)
        yield LabeledWindow(window, one.tag, one.use, heard, one.is_stated)


def _overlap(one: Annotation, start_s: float, window_s: float, length_s: float) -> float:
    """The seconds that an annotation and a window share, as a share of the shorter one."""
    end_s = length_s if one.end_s is None else one.end_s
    shared = min(end_s, start_s + window_s) - max(one.start_s, start_s)
    return max(0.0, shared / min(window_s, end_s - one.start_s))


def _thinned(windows: Sequence[LabeledWindow], use: str, most: int) -> list[LabeledWindow]:
    """The windows of a use that are too many."""
    all_of_use = [one for one in windows if one.use == use]
    if len(all_of_use) <= most:
        return []
    kept = set(np.linspace(0, len(all_of_use) - 1, most).round().astype(int).tolist())
    return [one for number, one in enumerate(all_of_use) if number not in kept]


def _numbered(names: Sequence[object]) -> NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
