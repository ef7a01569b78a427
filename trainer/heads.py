"""From classes to the heads of a network: one classifier, or a tree of experts on a shared trunk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tidzam.bundle import SELECTOR
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree
from tidzam.manifest_fields import NAME_PATTERN
from tidzam.types import Float32


@dataclass(frozen=True)
class Head:
    """A classifier's share of a network's outputs: columns `start` to `stop`, one a class.

    `name` is the classifier's. A head that is not `always` answerable learns from those examples alone that hold one
    of its classes: an expert is only asked when the class above it is there.
    """

    name: str
    classes: tuple[str, ...]
    start: int = 0
    always: bool = True

    @property
    def stop(self) -> int:
        return self.start + len(self.classes)


@dataclass(frozen=True)
class HeadLayout:
    """The heads of a network, and the targets of each class of the data, float32 (classes, outputs)."""

    heads: tuple[Head, ...]
    table: Float32

    @property
    def outputs(self) -> int:
        return int(self.table.shape[1])


def single_head(name: str, classes: Sequence[str]) -> HeadLayout:
    """Each class an output."""
    return HeadLayout((Head(name, tuple(classes)),), np.eye(len(classes), dtype=np.float32))


def expert_heads(tree: LabelTree, classes: Sequence[str]) -> HeadLayout:
    """A head for each label with several labels under it; the roots' is the selector.

    A class is a target of every head on its way. Raises DatasetError (`dataset_labels`) if a class is not in the
    tree, or there is nothing to tell apart in it.
    """
    outside = [label for label in classes if label not in tree]
    if outside:
        raise DatasetError(
            f"{', '.join(outside)}: not in the label tree, which has {', '.join(tree)}.",
            hint="Add them to labels in the training file, or leave them out of the data.",
            code="dataset_labels",
        )
    paths = [tree.path(label) for label in classes]
    known = {label for path in paths for label in path}
    pruned = LabelTree({label: parent for label, parent in tree.parents.items() if label in known})
    heads = tuple(_heads(pruned, None, 0, always=True))
    if not heads:
        raise DatasetError("The label tree has nothing to tell apart.", hint="Add classes.", code="dataset_labels")
    nameless = [head.name for head in heads if re.fullmatch(NAME_PATTERN, head.name) is None]
    if nameless:
        raise DatasetError(
            f"{', '.join(nameless)}: such a label cannot name a classifier.",
            hint="Use letters, digits and ._- for labels with others under them.",
            code="dataset_labels",
        )
    columns = {label: head.start + k for head in heads for k, label in enumerate(head.classes)}
    table = np.zeros((len(classes), len(columns)), dtype=np.float32)
    for row, path in zip(table, paths, strict=True):
        row[[columns[label] for label in path if label in columns]] = 1
    return HeadLayout(heads, table)


def _heads(tree: LabelTree, label: str | None, start: int, *, always: bool) -> Iterator[Head]:
    """The head of `label`, if it has several labels under it, then those below."""
    below = tree.children(label)
    if len(below) > 1:
        yield Head(label or SELECTOR, below, start, always)
        start, always = start + len(below), False
    for child in below:
        for head in _heads(tree, child, start, always=always):
            yield head
            start = max(start, head.stop)
