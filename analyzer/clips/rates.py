"""The rate `auto`: rare classes are kept rather than common ones."""

from __future__ import annotations

from collections.abc import Mapping

from tidzam.labels import UNKNOWN, LabelTree


def keep_probability(own: int, total: int, classes: int) -> float:
    """The probability, above 0 to 1, of keeping a clip of a class by the dynamic distribution.

    With `own` clips of the class, and `total` clips of the `classes` that are its siblings, itself included, it is
    (total / classes + 1) / (own + 1), at most 1: a class that is at most as common as its siblings keeps all clips, a
    more common one fewer and fewer.
    """
    return min(1.0, (total / classes + 1) / (own + 1))


class AutoRates:
    """The rates of the classes in a tree. Pure but for what it remembers: there may be thousands of classes.

    `counts` are the clips of each class on disk; it is replaced, never changed.
    """

    def __init__(self, labels: LabelTree) -> None:
        self._labels = labels
        self._groups: dict[str | None, frozenset[str]] = {}
        self._counts: Mapping[str, int] = {}
        self._totals: dict[frozenset[str], int] = {}

    @property
    def counts(self) -> Mapping[str, int]:
        return self._counts

    @counts.setter
    def counts(self, counts: Mapping[str, int]) -> None:
        self._counts, self._totals = counts, {}

    def use(self, labels: LabelTree) -> None:
        """The classes are those of another tree from now on, unless it is the same one."""
        if labels is not self._labels:
            self._labels, self._groups, self._totals = labels, {}, {}

    def rate(self, label: str, planned: Mapping[str, int]) -> float:
        """The rate of `label`, with clips that are `planned` besides those on disk, by class."""
        group = self.siblings(label)
        total = self._total(group) + sum(count for other, count in planned.items() if other in group)
        return keep_probability(self._counts.get(label, 0) + planned.get(label, 0), total, len(group))

    def _total(self, group: frozenset[str]) -> int:
        """The clips of a group on disk."""
        found = self._totals.get(group)
        if found is None:
            found = self._totals[group] = sum(count for label, count in self._counts.items() if label in group)
        return found

    def siblings(self, label: str) -> frozenset[str]:
        """The classes beside `label` in the tree, itself included; beside the roots there is `unknown`."""
        parent = self._labels.parents.get(label)
        group = self._groups.get(parent)
        if group is None:
            found = self._labels.children(parent)
            group = self._groups[parent] = frozenset(found if parent is not None else (*found, UNKNOWN))
        return group if label in group else group | {label}
