"""What a person decides about a dataset, as values, and what the dataset looks like after them.

Nothing here writes: a decision makes a new `Content` of an old one, so that undoing is to begin again without the last.
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
from tidzam.types import Float32


@dataclass(frozen=True, eq=False)
class Sample:
    """One that the person cut: features (frames, mels) in dB, and where it comes from."""

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
        """The samples of a class."""
        return np.flatnonzero(self.labels == self.index(label))

    def counts(self) -> list[int]:
        """Samples of each class."""
        kept = self.labels[self.labels != DELETED]
        return [int(count) for count in np.bincount(kept, minlength=len(self.classes))]

    def label_of(self, sample: int) -> str | None:
        """The class of a sample; None if it was deleted."""
        number = int(self.labels[sample])
        return None if number == DELETED else self.classes[number]

    def index(self, label: str) -> int:
        """Raises DatasetError if there is no such class."""
        if label not in self.classes:
            raise refused(f"There is no class {label!r}.")
        return self.classes.index(label)


def refused(message: str, hint: str = "") -> DatasetError:
    return DatasetError(message, hint=hint, code="dataset_edit")


class Edit:
    """One decision. Subclasses are frozen; `str` tells it to a person."""

    def apply(self, content: Content) -> Content:
        """What `content` becomes. Raises DatasetError (`dataset_edit`) if it cannot."""
        raise NotImplementedError


@dataclass(frozen=True)
class Relabel(Edit):
    """Move samples to another class."""

    samples: tuple[int, ...]
    label: str

    def apply(self, content: Content) -> Content:
        return _with_labels(content, self.samples, content.index(self.label))

    def __str__(self) -> str:
        return f"{_samples(len(self.samples))} moved to {self.label}"


@dataclass(frozen=True)
class Delete(Edit):
    """Leave samples out."""

    samples: tuple[int, ...]

    def apply(self, content: Content) -> Content:
        return _with_labels(content, self.samples, DELETED)

    def __str__(self) -> str:
        return f"{_samples(len(self.samples))} deleted"


@dataclass(frozen=True, eq=False)
class Add(Edit):
    """Samples that were cut out of a stream."""

    samples: tuple[Sample, ...]
    label: str

    def apply(self, content: Content) -> Content:
        fresh = np.full(len(self.samples), content.index(self.label), np.int32)
        return replace(content, labels=np.concatenate([content.labels, fresh]), added=(*content.added, *self.samples))

    def __str__(self) -> str:
        return f"{_samples(len(self.samples))} added to {self.label}"


@dataclass(frozen=True)
class NewClass(Edit):
    """An empty class, under `parent` if one is named."""

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
        return f"class {self.label} made"


@dataclass(frozen=True)
class RenameClass(Edit):
    """Call a class otherwise; what is under it stays under it."""

    old: str
    new: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "new", clean_label(self.new))

    def apply(self, content: Content) -> Content:
        content.index(self.old)
        _require_new(content, self.new)
        if self.new in content.tree:
            raise refused(f"The label tree has a {self.new!r} already.", "Choose another name.")
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
    """Move all samples of a class into another, and those classes that are under it; it is gone then."""

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
    """Leave a class out, with all its samples; classes under it move up."""

    label: str

    def apply(self, content: Content) -> Content:
        number = content.index(self.label)
        if len(content.classes) == 1:
            raise refused(f"{self.label} is the last class; a dataset has at least one.", "Make another one first.")
        labels = content.labels.copy()
        labels[labels == number] = DELETED
        parent = content.tree.parents[self.label]
        return _without_class(replace(content, labels=labels), self.label, children_to=parent)

    def __str__(self) -> str:
        return f"class {self.label} deleted"


@dataclass(frozen=True)
class MoveClass(Edit):
    """Put a class under another one in the label tree, or at its root."""

    label: str
    parent: str | None

    def apply(self, content: Content) -> Content:
        content.index(self.label)
        if self.parent is not None and self.parent not in content.tree:
            raise refused(f"There is no label {self.parent!r}.")
        return replace(content, tree=_tree({**content.tree.parents, self.label: self.parent}))

    def __str__(self) -> str:
        return f"class {self.label} moved {'to the root' if self.parent is None else f'under {self.parent}'}"


def replay(content: Content, edits: Sequence[Edit]) -> Content:
    """What `content` becomes by all `edits`, one after the other."""
    for edit in edits:
        content = edit.apply(content)
    return content


def _with_labels(content: Content, samples: Sequence[int], number: int) -> Content:
    labels = content.labels.copy()
    labels[list(samples)] = number
    return replace(content, labels=labels)


def _without_class(content: Content, label: str, *, children_to: str | None) -> Content:
    """No sample has `label` any more: take it out of classes and tree, and let the classes behind it close up."""
    number = content.classes.index(label)
    table = np.arange(len(content.classes) + 1, dtype=np.int32)
    table[number:] -= 1
    table[DELETED] = DELETED  # the table's last place
    parents = {
        child: children_to if parent == label else parent
        for child, parent in content.tree.parents.items()
        if child != label
    }
    classes = tuple(name for name in content.classes if name != label)
    return replace(content, classes=classes, tree=_tree(parents), labels=table[content.labels])


def _require_new(content: Content, label: str) -> None:
    if label in content.classes:
        raise refused(f"There is a class {label!r} already.", "Choose another name, or merge the two.")


def _tree(parents: dict[str, str | None]) -> LabelTree:
    try:
        return LabelTree(parents)
    except TidzamError as error:
        raise refused(error.message, error.hint) from None


def _samples(count: int) -> str:
    return f"{count:,} sample{'s' if count != 1 else ''}"
