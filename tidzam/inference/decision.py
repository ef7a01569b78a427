"""Decision rules, which turn the probabilities of a window into the classes that are reported: an extension point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tidzam.config.inference import DECISION_RULES, DEFAULT_RULE
from tidzam.labels import UNKNOWN, LabelTree


class DecisionRule(Protocol):
    """Decides which classes occur in a window.

    A rule is a pure function: the same arguments give the same result. It is called for every window of every channel
    and must not wait for anything.
    """

    def __call__(
        self, probabilities: Mapping[str, float], thresholds: Mapping[str, float], labels: LabelTree, /
    ) -> tuple[str, ...]:
        """The classes that occur, the most likely first; `("unknown",)` if none does.

        `probabilities` holds the joint probability, 0 to 1, of each class whose classifier ran; it may be empty.
        `thresholds` holds the threshold of every class, as in its bundle's manifest; `labels` is the tree of all
        classes. Every class in the result is one of `probabilities`, and none is an ancestor of another.
        """
        ...


def find_decision_rule(name: str = DEFAULT_RULE) -> DecisionRule:
    """The decision rule called `name`. Raises ConfigError as `Registry.load` does."""
    rule: DecisionRule = DECISION_RULES.load(name)
    return rule


def decide(probabilities: Mapping[str, float], thresholds: Mapping[str, float], labels: LabelTree) -> tuple[str, ...]:
    """The rule `thresholds`: the deepest classes whose joint probability reaches their threshold.

    A class is reported only if none of its descendants is.

    >>> tree = LabelTree({"birds": None, "birds-wren": "birds", "rain": None})
    >>> decide({"birds": 0.9, "birds-wren": 0.7, "rain": 0.2}, {"birds": 0.5, "birds-wren": 0.5, "rain": 0.5}, tree)
    ('birds-wren',)
    """
    likely = {label for label, probability in probabilities.items() if probability >= thresholds[label]}
    covered = {ancestor for label in likely for ancestor in labels.path(label)[:-1]}
    return tuple(sorted(likely - covered, key=lambda label: (-probabilities[label], label))) or (UNKNOWN,)
