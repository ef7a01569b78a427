"""Classes and their explicit parents: `birds` > `birds-american_crow`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tidzam.errors import BundleError

UNKNOWN = "unknown"
"""What a decision says when no class is likely enough."""

MAX_DEPTH = 64
"""Levels of a label tree: every window walks its labels' paths, whose length a bundle from elsewhere must not set."""

_NAME_BYTES = 255
"""What file systems allow a folder's name."""


@dataclass(frozen=True)
class LabelTree:
    """A forest of labels. `parents` maps every label to its parent, roots to None.

    Raises BundleError if a parent is not a label itself, if labels form a circle or lie deeper than MAX_DEPTH levels,
    or if one cannot name a folder, as the folders of clips and of training sound do.
    """

    parents: Mapping[str, str | None]

    def __post_init__(self) -> None:
        for label, parent in self.parents.items():
            if not _names_a_folder(label):
                raise BundleError(f"A label cannot be called {label[:40]!r}.", hint="Rename it.", code="bundle_labels")
            if parent is not None and parent not in self.parents:
                raise BundleError(f"Label {label!r} has the unknown parent {parent!r}.", code="bundle_labels")
        for label in self.parents:
            self._check_ancestors(label)

    def _check_ancestors(self, label: str) -> None:
        seen = {label}
        parent = self.parents[label]
        while parent is not None:
            if parent in seen:
                raise BundleError(f"Label {label!r} is its own ancestor.", code="bundle_labels")
            if len(seen) == MAX_DEPTH:
                raise BundleError(
                    f"Label {label!r} lies deeper than {MAX_DEPTH} levels.",
                    hint="Shorten its path in the label tree.",
                    code="bundle_labels",
                )
            seen.add(parent)
            parent = self.parents[parent]

    @classmethod
    def flat(cls, labels: list[str] | tuple[str, ...], *, parent: str | None = None) -> LabelTree:
        """All `labels` side by side, under `parent` if one is given."""
        roots: dict[str, str | None] = {} if parent is None else {parent: None}
        return cls({**roots, **dict.fromkeys(labels, parent)})

    def __iter__(self) -> Iterator[str]:
        return iter(self.parents)

    def __len__(self) -> int:
        return len(self.parents)

    def __contains__(self, label: object) -> bool:
        return label in self.parents

    @cached_property
    def roots(self) -> tuple[str, ...]:
        return self.children(None)

    def children(self, label: str | None) -> tuple[str, ...]:
        """The labels directly under `label`; under None, the roots."""
        return tuple(child for child, parent in self.parents.items() if parent == label)

    def path(self, label: str) -> tuple[str, ...]:
        """From the root down to `label`, both included."""
        upwards = [label]
        while (parent := self.parents[upwards[-1]]) is not None:
            upwards.append(parent)
        return tuple(reversed(upwards))

    def merged(self, other: LabelTree) -> LabelTree:
        """Both trees as one; what `other` says of a label's parent wins where this one calls it a root.

        Raises BundleError if the two name different parents for one label.
        """
        parents = dict(self.parents)
        for label, parent in other.parents.items():
            known = parents.get(label)
            if known is not None and parent is not None and known != parent:
                raise BundleError(
                    f"Label {label!r} is under {known!r} in one classifier and under {parent!r} in another.",
                    hint="Rename it in one of them.",
                    code="bundle_labels",
                )
            parents[label] = known if parent is None else parent
        return LabelTree(parents)


def _names_a_folder(label: str) -> bool:
    if not label or label.startswith(".") or "/" in label or not label.isprintable():
        return False
    return len(label.encode()) <= _NAME_BYTES
