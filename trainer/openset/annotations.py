"""Tables of annotations: which section of which file has which tag, and what it is used for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, Literal, get_args

from tidzam.audio.folder_walk import walk
from tidzam.errors import DatasetError
from tidzam.labels import UNKNOWN, clean_label, label_fault
from tidzam.recording_names import parse_recording_name
from tidzam.tables import Row, columns_of, quoted, read_table

Use = Literal["train", "test", "train-background", "test-background"]
USES: Final[tuple[Use, ...]] = get_args(Use)
BACKGROUND: Final = "background"
"""The tag of a section that somebody states to hold no sound of interest. An empty tag is background, too, which may
hold calls that nobody annotated."""


@dataclass(frozen=True)
class Annotation:
    """A section of an audio file, in seconds; without an `end_s`, up to the end. Without a tag it is background, which
    `is_stated` if its tag in the table is `background`.

    `channel` counts from 0; None is all channels as one.
    """

    path: Path
    start_s: float
    end_s: float | None
    tag: str
    channel: int | None = None
    use: Use | None = None
    is_stated: bool = False

    @property
    def is_background(self) -> bool:
        return not self.tag


@dataclass(frozen=True)
class Assignment:
    """Which files are used for what: days, as 2026-05-01, or patterns of paths, as `pond-2026-05-*`.

    >>> assignment = Assignment({"test": ("2026-05-02",), "train": ("*",)})
    >>> assignment.use_of(Path("pond-2026-05-02-06-00-00.ogg"), background=False)
    'test'
    """

    patterns: Mapping[Use, Sequence[str]]

    def use_of(self, path: Path, *, background: bool) -> Use | None:
        """What a file is used for, or its background; None if nothing names it. A day counts before a pattern."""
        uses = [use for use in USES if use.endswith(BACKGROUND) == background]
        day = day_of(path)
        by_day = (use for use in uses if day in self.patterns.get(use, ()))
        by_pattern = (use for use in uses if any(_fits(path, one) for one in self.patterns.get(use, ())))
        return next(by_day, None) or next(by_pattern, None)

    @property
    def has_background(self) -> bool:
        """Whether any file is assigned to background."""
        return any(self.patterns.get(use) for use in USES if use.endswith(BACKGROUND))


def day_of(path: Path) -> str:
    """The day in the name of a recording, as 2026-05-01; empty if the name states none."""
    named = parse_recording_name(path)
    return "" if named is None else f"{named.local:%Y-%m-%d}"


def read_annotations(path: Path) -> list[Annotation]:
    """The rows of a table with the columns file and tag (or label), and optionally start, end, channel and use.

    Times are in seconds; paths are relative to the table. An empty tag, or `background`, is a section without any sound
    of interest. `use` is one of `USES`, or empty. Raises DatasetError with the line.
    """
    rows = read_table(path, required=("file",), any_case=True)
    columns = set(columns_of(rows))
    if "file" not in columns or not columns & {"tag", "label"}:
        raise DatasetError(
            f"{path} is not a table of annotations: it has no rows, or lacks the column file or tag.",
            hint="Begin it with the line: file,start,end,tag",
            code="dataset_list",
        )
    return [_annotation(path.parent, row) for row in rows]


def assigned(
    annotations: Iterable[Annotation], assignment: Assignment, recordings: Path | None = None
) -> list[Annotation]:
    """The annotations with what they are used for: by their own column, else by `assignment`.

    Without any assignment, all are used for training. Files that are assigned to background are added whole: those of
    the table, and those in the folder `recordings`. Annotations in these that nothing else names have no use: they only
    say what is no background. Others that nothing names are left out.
    """
    table = list(annotations)
    is_assigned = any(assignment.patterns.values())
    found = []
    for one in table:
        use = one.use or assignment.use_of(one.path, background=one.is_background)
        if use is None and not is_assigned:
            use = "train-background" if one.is_background else "train"
        if use is not None:
            found.append(_with_use(one, use))
        elif not one.is_background and assignment.use_of(one.path, background=True) is not None:
            found.append(one)
    if assignment.has_background:
        files = dict.fromkeys(one.path for one in table)
        if recordings is not None:
            known = {path.resolve() for path in files}
            files |= dict.fromkeys(path for path in walk(recordings).files if path.resolve() not in known)
        uses = {path: assignment.use_of(path, background=True) for path in files}
        found += [Annotation(path, 0.0, None, "", use=use) for path, use in uses.items() if use is not None]
    return found


def _with_use(one: Annotation, use: Use) -> Annotation:
    if one.is_background and not use.endswith(BACKGROUND):
        use = "train-background" if use == "train" else "test-background"
    return replace(one, use=use)


def _fits(path: Path, pattern: str) -> bool:
    return fnmatch(path.name, pattern) or fnmatch(str(path), pattern)


def _annotation(folder: Path, row: Row) -> Annotation:
    if not row.get("file"):
        raise row.fault("file is empty")
    tag = clean_label(row.get("tag", "label"))
    is_stated = tag.lower() == BACKGROUND
    tag = "" if is_stated else tag
    if tag == UNKNOWN:
        raise row.fault("the tag is 'unknown', which stands for whatever is not recognized")
    if tag and (reason := label_fault(tag)):
        raise row.fault(f"the tag {quoted(tag)} {reason}")
    start_s = row.seconds("start") if row.get("start") else 0.0
    end_s = row.seconds("end") if row.get("end") else None
    if end_s is not None and end_s <= start_s:
        raise row.fault(f"end {end_s:g} s is not after start {start_s:g} s")
    return Annotation(folder / row.get("file"), start_s, end_s, tag, _channel(row), _use(row), is_stated)


def _channel(row: Row) -> int | None:
    text = row.get("channel")
    if text and not text.isdecimal():
        raise row.fault(f"{quoted(text)} is not a channel, counted from 0")
    return int(text) if text else None


def _use(row: Row) -> Use | None:
    text = row.get("use")
    found = next((use for use in USES if use == text), None)
    if text and found is None:
        raise row.fault(f"use is {quoted(text)}, expected {', '.join(USES)}")
    return found
