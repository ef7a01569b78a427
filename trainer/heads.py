"""The heads of a network: one classifier, or a tree of experts on a shared trunk."""

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
    """A classifier's part of a network's outputs: columns `start` to `stop`, one per class.

    `name` is the name of the classifier. A head that is not `always` used is an expert, which runs only if its parent
    class is present: it learns only from examples of its own classes.
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
    """The heads of a network; `table`, float32 (classes of the data, outputs), has the targets of each class."""

    heads: tuple[Head, ...]
    table: Float32

    @property
    def outputs(self) -> int:
        return int(self.table.shape[1])


def single_head(name: str, classes: Sequence[str]) -> HeadLayout:
    """One head with an output per class."""
    return HeadLayout((Head(name, tuple(classes)),), np.eye(len(classes), dtype=np.float32))


def expert_heads(tree: LabelTree, classes: Sequence[str]) -> HeadLayout:
    """One head for each label with two or more children; the head of the roots is the selector.

    A class is a target in every head on its path. Raises DatasetError (`dataset_labels`) if a class is not in the
    tree, or no label has two children.
    """
    outside = [label for label in classes if label not in tree]
    if outside:
        raise DatasetError(
            f"Classes that are not in the label tree: {', '.join(outside)}. It has {', '.join(tree)}.",
            hint="Add them to labels in the training file, or remove them from the data.",
            code="dataset_labels",
        )
    paths = [tree.path(label) for label in classes]
    known = {label for path in paths for label in path}
    pruned = LabelTree({label: parent for label, parent in tree.parents.items() if label in known})
    heads = tuple(_heads(pruned, None, 0, always=True))
    if not heads:
        raise DatasetError(
            "No label of the tree has two or more children, so that there is nothing to classify.",
            hint="Add classes.",
            code="dataset_labels",
        )
    nameless = [head.name for head in heads if re.fullmatch(NAME_PATTERN, head.name) is None]
    if nameless:
        raise DatasetError(
            f"Labels that cannot be the name of a classifier: {', '.join(nameless)}.",
            hint="Use letters, digits, '.', '_' and '-' in labels with children.",
            code="dataset_labels",
        )
    columns = {label: head.start + k for head in heads for k, label in enumerate(head.classes)}
    table = np.zeros((len(classes), len(columns)), dtype=np.float32)
    for row, path in zip(table, paths, strict=True):
        row[[columns[label] for label in path if label in columns]] = 1
    return HeadLayout(heads, table)


def _heads(tree: LabelTree, label: str | None, start: int, *, always: bool) -> Iterator[Head]:
    """The head of `label`, if it has two or more children, then the heads below it."""
    below = tree.children(label)
    if len(below) > 1:
        yield Head(label or SELECTOR, below, start, always)
        start, always = start + len(below), False
    for child in below:
        for head in _heads(tree, child, start, always=always):
            yield head
            start = max(start, head.stop)
