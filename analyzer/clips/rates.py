"""The rate `auto`: rare classes are kept rather than common ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidzam.labels import UNKNOWN, LabelTree


def keep_probability(counts: Mapping[str, int], label: str, group: Sequence[str]) -> float:
    """The probability, above 0 to 1, of keeping a clip of `label` by the dynamic distribution.

    With `counts` clips in each class, it is (mean over the group of siblings, `label` included, + 1) / (own + 1), at
    most 1: a class that is at most as common as its siblings keeps all clips, a more common one fewer and fewer.
    """
    members = {label, *group}
    mean = sum(counts.get(sibling, 0) for sibling in members) / len(members)
    return min(1.0, (mean + 1) / (counts.get(label, 0) + 1))


def siblings(labels: LabelTree, label: str) -> tuple[str, ...]:
    """The classes beside `label` in the tree, itself included; beside the roots there is `unknown`."""
    path = labels.path(label) if label in labels else (label,)
    found = labels.children(path[-2] if len(path) > 1 else None)
    return (*found, UNKNOWN) if len(path) == 1 else found
