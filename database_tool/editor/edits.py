"""Edits of a dataset, as values, and the content of the dataset after them. Pure: nothing is written here.

An edit makes a new `Content` from an old one; to undo an edit, all the others are applied to the original content.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from database_tool.operations import DELETED
from tidzam.dataset import Origin
from tidzam.dataset.reader import Int32
from tidzam.errors import DatasetError, TidzamError
from tidzam.labels import LabelTree, clean_label
from tidzam.text import plural
from tidzam.types import Float32


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample that was cut in the editor: features (frames, mels) in dB, and where it comes from."""

    features: Float32
    origin: Origin


@dataclass(frozen=True, eq=False)
class Content:
    """Classes, their tree, and the label of each sample, int32 (n,): an index into `classes`, or DELETED.

    The last `len(added)` samples are `added`; those before are the dataset's own, in its order.
    """

    classes: tuple[str, ...]
    tree: LabelTree
    labels: Int32
    added: tuple[Sample, ...] = ()

    def members(self, label: str) -> NDArray[np.int64]:
        """The indices of the samples of a class, (k,)."""
        return np.flatnonzero(self.labels == self.index(label))

    def counts(self) -> list[int]:
        """The number of samples per class."""
        kept = self.labels[self.labels != DELETED]
        return [int(count) for count in np.bincount(kept, minlength=len(self.classes))]

    def label_of(self, sample: int) -> str | None:
        """The class of a sample; None if it was deleted."""
        number = int(self.labels[sample])
        return None if number == DELETED else self.classes[number]

    def index(self, label: str) -> int:
        """The index of a class. Raises DatasetError if there is no such class."""
        if label not in self.classes:
            raise refused(f"There is no class {label!r}.")
        return self.classes.index(label)


def refused(message: str, hint: str = "") -> DatasetError:
    """The error for an edit that cannot be applied."""
    return DatasetError(message, hint=hint, code="dataset_edit")


class Edit:
    """One edit. Subclasses are frozen; `str` describes what was done."""

    def apply(self, content: Content) -> Content:
        """The content after this edit. Raises DatasetError (`dataset_edit`) if it cannot be applied."""
        raise NotImplementedError


@dataclass(frozen=True)
class Relabel(Edit):
    """Move samples to another class."""

    samples: tuple[int, ...]
    label: str

    def apply(self, content: Content) -> Content:
        return _with_labels(content, self.samples, content.index(self.label))

    def __str__(self) -> str:
        return f"{plural(len(self.samples), 'sample')} moved to {self.label}"


@dataclass(frozen=True)
class Delete(Edit):
    """Delete samples."""

    samples: tuple[int, ...]

    def apply(self, content: Content) -> Content:
        return _with_labels(content, self.samples, DELETED)

    def __str__(self) -> str:
        return f"{plural(len(self.samples), 'sample')} deleted"


@dataclass(frozen=True, eq=False)
class Add(Edit):
    """Add samples that were cut from an audio file."""

    samples: tuple[Sample, ...]
    label: str

    def apply(self, content: Content) -> Content:
        fresh = np.full(len(self.samples), content.index(self.label), np.int32)
        return replace(content, labels=np.concatenate([content.labels, fresh]), added=(*content.added, *self.samples))

    def __str__(self) -> str:
        return f"{plural(len(self.samples), 'sample')} added to {self.label}"


@dataclass(frozen=True)
class NewClass(Edit):
    """Add an empty class, below `parent` if there is one."""

    label: str
    parent: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", clean_label(self.label))
        object.__setattr__(self, "parent", self.parent and clean_label(self.parent))

    def apply(self, content: Content) -> Content:
        _require_new(content, self.label)
        tree = _tree({**content.tree.parents, self.label: content.tree.parents.get(self.label) or self.parent})
        return replace(content, classes=(*content.classes, self.label), tree=tree)

    def __str__(self) -> str:
        return f"class {self.label} created"


@dataclass(frozen=True)
class RenameClass(Edit):
    """Rename a class; the classes below it stay there."""

    old: str
    new: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "new", clean_label(self.new))

    def apply(self, content: Content) -> Content:
        content.index(self.old)
        _require_new(content, self.new)
        if self.new in content.tree:
            raise refused(f"The label tree already has a label {self.new!r}.", "Choose another name.")
        names = {self.old: self.new}
        parents = {
            names.get(label, label): None if parent is None else names.get(parent, parent)
            for label, parent in content.tree.parents.items()
        }
        classes = tuple(names.get(label, label) for label in content.classes)
        return replace(content, classes=classes, tree=_tree(parents))

    def __str__(self) -> str:
        return f"class {self.old} renamed {self.new}"


@dataclass(frozen=True)
class MergeClasses(Edit):
    """Move all samples of a class, and the classes below it, to another class, and delete it."""

    label: str
    into: str

    def apply(self, content: Content) -> Content:
        source, target = content.index(self.label), content.index(self.into)
        if source == target:
            raise refused("A class cannot be merged into itself.", "Choose another one.")
        if self.label in content.tree.path(self.into):
            parents = {**content.tree.parents, self.into: content.tree.parents[self.label]}
            content = replace(content, tree=_tree(parents))
        labels = content.labels.copy()
        labels[labels == source] = target
        return _without_class(replace(content, labels=labels), self.label, children_to=self.into)

    def __str__(self) -> str:
        return f"class {self.label} merged into {self.into}"


@dataclass(frozen=True)
class DeleteClass(Edit):
    """Delete a class with all its samples; the classes below it move up."""

    label: str

    def apply(self, content: Content) -> Content:
        number = content.index(self.label)
        if len(content.classes) == 1:
            raise refused(f"{self.label} is the last class; a dataset has at least one.", "Create another one first.")
        labels = content.labels.copy()
        labels[labels == number] = DELETED
        parent = content.tree.parents[self.label]
        return _without_class(replace(content, labels=labels), self.label, children_to=parent)

    def __str__(self) -> str:
        return f"class {self.label} deleted"


@dataclass(frozen=True)
class MoveClass(Edit):
    """Move a class below another one in the label tree, or to its root."""

    label: str
    parent: str | None

    def apply(self, content: Content) -> Content:
        content.index(self.label)
        if self.parent is not None and self.parent not in content.tree:
            raise refused(f"There is no label {self.parent!r}.")
        return replace(content, tree=_tree({**content.tree.parents, self.label: self.parent}))

    def __str__(self) -> str:
        return f"class {self.label} moved {'to the root' if self.parent is None else f'below {self.parent}'}"


def replay(content: Content, edits: Sequence[Edit]) -> Content:
    """The content after all `edits`, in order."""
    for edit in edits:
        content = edit.apply(content)
    return content


def _with_labels(content: Content, samples: Sequence[int], number: int) -> Content:
    labels = content.labels.copy()
    labels[list(samples)] = number
    return replace(content, labels=labels)


def _without_class(content: Content, label: str, *, children_to: str | None) -> Content:
    """Remove a class that has no samples from classes and tree; the indices of later classes decrease by one."""
    number = content.classes.index(label)
    table = np.arange(len(content.classes) + 1, dtype=np.int32)
    table[number:] -= 1
    table[DELETED] = DELETED  # the last entry of the table
    parents = {
        child: children_to if parent == label else parent
        for child, parent in content.tree.parents.items()
        if child != label
    }
    classes = tuple(name for name in content.classes if name != label)
    return replace(content, classes=classes, tree=_tree(parents), labels=table[content.labels])


def _require_new(content: Content, label: str) -> None:
    if label in content.classes:
        raise refused(f"Class {label!r} exists.", "Choose another name, or merge the two.")


def _tree(parents: dict[str, str | None]) -> LabelTree:
    try:
        return LabelTree(parents)
    except TidzamError as error:
        raise refused(error.message, error.hint) from None
