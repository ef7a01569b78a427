import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.classifiers import label_trees
from tidzam.inference.decision import decide
from tidzam.labels import UNKNOWN, LabelTree

TREE = LabelTree({"birds": None, "birds-owl": "birds", "birds-wren": "birds", "rain": None})
HALF = dict.fromkeys(TREE, 0.5)


@pytest.mark.parametrize(
    ("probabilities", "result"),
    [
        ({"birds": 0.9, "birds-owl": 0.8, "birds-wren": 0.1, "rain": 0.2}, ("birds-owl",)),
        ({"birds": 0.9, "birds-owl": 0.4, "birds-wren": 0.4, "rain": 0.2}, ("birds",)),
        ({"birds": 0.9, "birds-owl": 0.6, "birds-wren": 0.8, "rain": 0.7}, ("birds-wren", "rain", "birds-owl")),
        ({"birds": 0.49, "rain": 0.5}, ("rain",)),
        ({"birds": 0.02, "rain": 0.1}, (UNKNOWN,)),
        ({}, (UNKNOWN,)),
    ],
)
def test_the_deepest_likely_classes_are_named(probabilities: dict[str, float], result: tuple[str, ...]) -> None:
    assert decide(probabilities, HALF, TREE) == result


def test_a_child_with_a_low_threshold_speaks_for_its_parent() -> None:
    assert decide({"birds": 0.3, "birds-owl": 0.2}, HALF | {"birds-owl": 0.1}, TREE) == ("birds-owl",)


@given(label_trees(), st.data())
def test_every_decision_keeps_its_promises(tree: LabelTree, data: st.DataObject) -> None:
    probability = st.floats(0, 1, width=32)
    thresholds = {label: data.draw(probability) for label in tree}
    probabilities = {label: data.draw(probability) for label in tree if data.draw(st.booleans())}
    result = decide(probabilities, thresholds, tree)
    named = [] if result == (UNKNOWN,) else list(result)
    ancestors = {ancestor for label in named for ancestor in tree.path(label)[:-1]}
    assert result
    assert all(probabilities[label] >= thresholds[label] for label in named)
    assert not ancestors & set(named)
    assert [probabilities[label] for label in named] == sorted((probabilities[k] for k in named), reverse=True)
    heard = {label for label, value in probabilities.items() if value >= thresholds[label]}
    assert heard <= set(named) | ancestors
