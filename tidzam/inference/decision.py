"""Decision rules, which turn the probabilities of a window into the classes that are reported: an extension point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Protocol

from pydantic import Field

from tidzam.config.decision import Probability
from tidzam.config.inference import DECISION_RULES, DEFAULT_RULE
from tidzam.labels import UNKNOWN, LabelTree


class DecisionRule(Protocol):
    """Decides which classes occur in a window.

    A rule is a pure function: the same arguments give the same result. It is called for every window of every channel
    and must not wait for anything. Keyword-only parameters with defaults are its options, which a profile may set; a
    value is converted to the annotated type by pydantic.
    """

    def __call__(
        self, probabilities: Mapping[str, float], thresholds: Mapping[str, float], labels: LabelTree, /
    ) -> tuple[str, ...]:
        """The classes that occur, the most likely first; `("unknown",)` if none does.

        `probabilities` holds the joint probability, 0 to 1, of each class whose classifier ran; it may be empty.
        `thresholds` holds the threshold of every class, as in its bundle's manifest unless the profile sets another;
        `labels` is the tree of all classes. Every class in the result is one of `probabilities`, and none is an
        ancestor of another.
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
    return ranked(deepest(likely, labels), probabilities)


def margin(
    probabilities: Mapping[str, float],
    thresholds: Mapping[str, float],
    labels: LabelTree,
    *,
    margin: Probability = 0.5,
    species: Probability = 0.5,
) -> tuple[str, ...]:
    """The rule `margin` of Tidzam 2019: the most probable class, if it is more probable than any class that is not
    related to it by more than `margin`; else `unknown`.

    Below that class, the most probable subclass whose joint probability exceeds `species` is reported instead, level
    by level. Related are a class, its ancestors and its descendants. Thresholds do not matter.

    >>> tree = LabelTree({"birds": None, "birds-wren": "birds", "rain": None})
    >>> margin({"birds": 0.9, "birds-wren": 0.4, "rain": 0.2}, {}, tree)
    ('birds',)
    >>> margin({"birds": 0.9, "birds-wren": 0.8, "rain": 0.6}, {}, tree)
    ('unknown',)
    """
    top = max(probabilities.values(), default=0.0)
    if not top > margin:
        return (UNKNOWN,)
    best = _highest((label for label, value in probabilities.items() if value == top), probabilities, labels)
    close = (label for label, value in probabilities.items() if not top - value > margin)
    if any(best not in labels.path(label) and label not in labels.path(best) for label in close):
        return (UNKNOWN,)
    likely = [label for label, value in probabilities.items() if value > species]
    while below := [label for label in likely if best in labels.path(label)[:-1]]:
        best = _highest(below, probabilities, labels)
    return (best,)


def topk(
    probabilities: Mapping[str, float],
    thresholds: Mapping[str, float],
    labels: LabelTree,
    *,
    count: Annotated[int, Field(ge=1)] = 3,
    probability: Probability = 0.1,
) -> tuple[str, ...]:
    """The rule `topk`: of the deepest classes with a joint probability of at least `probability`, the `count` most
    probable.

    Thresholds do not matter.

    >>> tree = LabelTree({"birds": None, "birds-wren": "birds", "rain": None, "wind": None})
    >>> topk({"birds": 0.9, "birds-wren": 0.4, "rain": 0.3, "wind": 0.2}, {}, tree, count=2)
    ('birds-wren', 'rain')
    """
    likely = {label for label, value in probabilities.items() if value >= probability}
    return ranked(deepest(likely, labels), probabilities)[:count]


def deepest(found: Iterable[str], labels: LabelTree) -> set[str]:
    """The classes of `found` that are not an ancestor of another one."""
    among = set(found)
    return among - {ancestor for label in among for ancestor in labels.path(label)[:-1]}


def ranked(found: Iterable[str], probabilities: Mapping[str, float]) -> tuple[str, ...]:
    """The classes of `found`, the most probable first; `("unknown",)` if there are none."""
    return tuple(sorted(found, key=lambda label: (-probabilities[label], label))) or (UNKNOWN,)


def _highest(among: Iterable[str], probabilities: Mapping[str, float], labels: LabelTree) -> str:
    """The most probable class; of equally probable ones, the one nearest to its root."""
    return min(among, key=lambda label: (-probabilities[label], len(labels.path(label)), label))
