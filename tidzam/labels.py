"""Classes and their explicit parents: `birds` > `birds-american_crow`."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final

from pydantic import AfterValidator

from tidzam.errors import BundleError

UNKNOWN = "unknown"
"""The decision if no class is likely enough."""

NO_SOUND: Final = frozenset({"silence", "background"})
"""Labels of nothing in particular: a classifier needs them, but they say nothing about who was heard."""

MAX_DEPTH: Final = 64
"""Levels of a label tree: each window follows its labels' paths, whose length a bundle must not determine."""
MAX_BYTES: Final = 255
"""A label names folders, and file systems limit names to this length."""

_INVISIBLE: Final = "\ufeff\u200b\u2060"
"""Characters without width, which may be left at the ends of copied text."""


def clean_label(text: str) -> str:
    """The one spelling of a label: Unicode's composed form (NFC), without surrounding whitespace.

    Every label that enters the program passes through here, so that one name is one class.
    """
    cleaned, before = unicodedata.normalize("NFC", text), ""
    while cleaned != before:
        before, cleaned = cleaned, cleaned.strip().strip(_INVISIBLE)
    return cleaned


def is_no_sound(path: Sequence[str]) -> bool:
    """Whether the class at the end of a path stands for no sound in particular.

    >>> is_no_sound(("Silence",)), is_no_sound(("birds", "wren"))
    (True, False)
    """
    return path[-1].casefold() in NO_SOUND


Label = Annotated[str, AfterValidator(clean_label)]
"""A label in a pydantic model."""


def label_fault(label: str) -> str:
    """Why `label` cannot name a class and its folders, as a predicate after "it"; empty if it can."""
    if not label:
        return "is empty"
    if label.startswith("."):
        return "begins with a dot"
    if "/" in label:
        return "contains a slash"
    if not label.isprintable():
        return "contains a character that cannot be printed"
    if len(label.encode()) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return ""


def require_label(text: str) -> str:
    """`text` as a label. Raises BundleError (`bundle_labels`) if it cannot be one."""
    label = clean_label(text)
    if fault := label_fault(label):
        raise BundleError(
            f"A label cannot be called {_shown(label)}: it {fault}.", hint="Rename it.", code="bundle_labels"
        )
    return label


def _shown(label: str) -> str:
    return repr(label) if len(label) <= 40 else f"{label[:40]!r}…"


@dataclass(frozen=True)
class LabelTree:
    """A forest of labels. `parents` maps every label to its parent, roots to None.

    Labels are cleaned. Raises BundleError if a parent is not a label itself, if labels form a cycle or more than
    MAX_DEPTH levels, if two are the same once cleaned, or if one cannot name a folder, as the folders of clips and of
    training sound do.
    """

    parents: Mapping[str, str | None]

    def __post_init__(self) -> None:
        parents: dict[str, str | None] = {}
        for label, parent in self.parents.items():
            name = require_label(label)
            if name in parents:
                raise BundleError(f"The label {name!r} is given twice.", hint="Keep one.", code="bundle_labels")
            parents[name] = None if parent is None else clean_label(parent)
        for label in parents:
            _require_path_to_root(label, parents)
        object.__setattr__(self, "parents", parents)

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
        """Both trees as one; where a label is a root here, its parent in `other` applies.

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


def _require_path_to_root(label: str, parents: Mapping[str, str | None]) -> None:
    """Raises BundleError if the path from `label` to its root leaves the tree, has a cycle, or is too long."""
    above, depth = label, 1
    while (parent := parents[above]) is not None:
        if parent not in parents:
            raise BundleError(f"Label {above!r} has the unknown parent {_shown(parent)}.", code="bundle_labels")
        if parent == label:
            raise BundleError(f"Label {label!r} is its own ancestor.", code="bundle_labels")
        above, depth = parent, depth + 1
        if depth > MAX_DEPTH:
            raise BundleError(
                f"Label {label!r} lies deeper than {MAX_DEPTH} levels, or below a cycle.",
                hint="Use fewer levels.",
                code="bundle_labels",
            )
