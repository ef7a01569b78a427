"""What was heard, said from probabilities: pure."""

from __future__ import annotations

from collections.abc import Mapping

from tidzam.labels import UNKNOWN, LabelTree


def decide(probabilities: Mapping[str, float], thresholds: Mapping[str, float], labels: LabelTree) -> tuple[str, ...]:
    """The deepest classes whose joint probability reaches their threshold, likeliest first; none: ("unknown",).

    A class is named only if none of its descendants is.
    """
    heard = {label for label, probability in probabilities.items() if probability >= thresholds[label]}
    covered = {ancestor for label in heard for ancestor in labels.path(label)[:-1]}
    return tuple(sorted(heard - covered, key=lambda label: (-probabilities[label], label))) or (UNKNOWN,)
