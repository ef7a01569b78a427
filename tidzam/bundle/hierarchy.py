"""Which bundles form a cascade: an expert is placed under the class with its name, to any depth. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Final

from tidzam.bundle import SELECTOR, BundleManifest
from tidzam.errors import BundleError
from tidzam.labels import LabelTree
from tidzam.suggest import did_you_mean

MOST_TIMES_LONGER: Final = 100
"""The longest window of a cascade is held and read with every one of its shortest windows."""


def ordered(manifests: Iterable[BundleManifest]) -> tuple[BundleManifest, ...]:
    """`manifests`, the roots first (the selector before the others) and every expert after its parent.

    Raises BundleError: `bundle_cascade` if names do not fit together, `bundle_features` if the longest window is over
    MOST_TIMES_LONGER times as long as the shortest.
    """
    known = tuple(manifests)
    _check_names(known)
    _check_windows(known)
    roots = [manifest for manifest in known if manifest.is_root]
    found = sorted(roots, key=lambda manifest: not manifest.is_selector)
    for parent in found:  # grows while it is walked
        classes = frozenset(parent.classes)
        found += [one for one in known if not one.is_root and one.place in classes and one not in found]
    for manifest in known:
        if manifest not in found:
            raise _without_parent(manifest, [label for one in found for label in one.classes])
    return tuple(found)


def merged_labels(manifests: Iterable[BundleManifest]) -> LabelTree:
    """The label tree of a whole cascade. Raises BundleError (`bundle_labels`) if the classifiers' trees disagree."""
    return reduce(LabelTree.merged, (manifest.labels_in_cascade for manifest in manifests))


def _check_names(manifests: Sequence[BundleManifest]) -> None:
    for manifest in manifests:
        if manifest.novelty is not None:
            raise BundleError(
                f"{manifest.name!r} is a novelty bundle, and no classifier of a cascade.",
                hint="Name it in `analyzer.novelty` or --novelty.",
                code="bundle_novelty",
            )
    names = [manifest.name for manifest in manifests]
    if not any(manifest.is_root for manifest in manifests):
        raise BundleError(
            f"No classifier is called {SELECTOR!r}, or is a root; found: {', '.join(sorted(names)) or 'none'}.",
            hint=f"Name the classifier that runs on every window {SELECTOR}.",
            code="bundle_cascade",
        )
    if twice := _repeated(names):
        raise BundleError(f"Two classifiers are called {twice!r}.", hint="Remove one of them.", code="bundle_cascade")
    if twice := _repeated([label for m in manifests for label in m.classes]):
        owners = " and ".join(repr(m.name) for m in manifests if twice in m.classes)
        raise BundleError(
            f"Class {twice!r} is in the classifiers {owners}.", hint="Rename it in one of them.", code="bundle_cascade"
        )


def _check_windows(manifests: Sequence[BundleManifest]) -> None:
    lengths = [manifest.input.window_s for manifest in manifests]
    if lengths and max(lengths) > MOST_TIMES_LONGER * min(lengths):
        each = ", ".join(f"{m.name} {m.input.window_s:g} s" for m in manifests)
        raise BundleError(
            f"The longest window in a cascade may be {MOST_TIMES_LONGER} times as long as the shortest; these "
            f"differ by more: {each}.",
            hint="Run them in separate analyzers, or train them with windows of similar lengths.",
            code="bundle_features",
        )


def _repeated(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _without_parent(manifest: BundleManifest, classes: list[str]) -> BundleError:
    name, place = manifest.name, manifest.place
    shown = [*classes[:20], "…"] if len(classes) > 20 else classes
    return BundleError(
        f"Classifier {name!r} has no parent: no other classifier has a class {place!r}.",
        hint=f"{did_you_mean(place, classes)}The classes are {', '.join(shown)}.",
        code="bundle_cascade",
    )
