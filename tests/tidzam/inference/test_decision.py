"""The contract of `DecisionRule`, which every registered rule passes, and the rule `thresholds`."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.classifiers import label_trees
from tests.support.packages import install_package
from tidzam.config.inference import DECISION_RULES
from tidzam.errors import ConfigError
from tidzam.extensions import Registry
from tidzam.inference.decision import decide, find_decision_rule, margin, topk
from tidzam.labels import UNKNOWN, LabelTree

EXTENDING = Path(__file__).parents[3] / "docs" / "extending.md"
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


def test_a_child_with_a_low_threshold_is_reported_though_its_parent_is_not() -> None:
    assert decide({"birds": 0.3, "birds-owl": 0.2}, HALF | {"birds-owl": 0.1}, TREE) == ("birds-owl",)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ConfigError, match="There is no decision rule 'thresh'"):
        find_decision_rule("thresh")


def test_thresholds_has_two_names() -> None:
    assert find_decision_rule("threshold") is find_decision_rule("thresholds")


@pytest.mark.parametrize(
    ("probabilities", "result"),
    [
        pytest.param({"birds": 0.9, "birds-owl": 0.6, "rain": 0.3}, ("birds-owl",), id="a species above 0.5"),
        pytest.param({"birds": 0.9, "birds-owl": 0.5, "rain": 0.3}, ("birds",), id="no species above 0.5"),
        pytest.param({"birds": 0.9, "birds-owl": 0.6, "rain": 0.45}, (UNKNOWN,), id="a rival within the margin"),
        pytest.param({"birds": 0.9, "birds-owl": 0.6, "rain": 0.4}, (UNKNOWN,), id="exactly the margin"),
        pytest.param({"birds": 0.9, "birds-owl": 0.9}, ("birds-owl",), id="a species as probable as its parent"),
        pytest.param({"birds": 0.5}, (UNKNOWN,), id="nothing is more probable than the margin"),
        pytest.param({"birds": 0.51}, ("birds",), id="without a rival"),
        pytest.param({"rain": 1.0, "birds": 1.0}, (UNKNOWN,), id="a tie"),
        pytest.param({}, (UNKNOWN,), id="no classifier ran"),
    ],
)
def test_the_margin_to_unrelated_classes_decides(probabilities: dict[str, float], result: tuple[str, ...]) -> None:
    assert margin(probabilities, HALF, TREE) == result


def test_the_margin_rule_descends_as_far_as_it_is_sure() -> None:
    tree = LabelTree({"a": None, "b": "a", "c": "b", "d": "c"})
    assert margin({"a": 0.99, "b": 0.9, "c": 0.7, "d": 0.4}, {}, tree) == ("c",)
    assert margin({"a": 0.99, "b": 0.9, "c": 0.7, "d": 0.4}, {}, tree, species=0.3) == ("d",)


def test_the_options_of_margin_move_its_limits() -> None:
    assert margin({"birds": 0.5, "rain": 0.3}, {}, TREE, margin=0.1) == ("birds",)


def test_topk_names_the_most_probable_deepest_classes() -> None:
    probabilities = {"birds": 0.9, "birds-owl": 0.3, "birds-wren": 0.4, "rain": 0.35}
    assert topk(probabilities, HALF, TREE) == ("birds-wren", "rain", "birds-owl")
    assert topk(probabilities, HALF, TREE, count=2) == ("birds-wren", "rain")
    assert topk(probabilities, HALF, TREE, probability=0.5) == ("birds",)
    assert topk({"rain": 0.05}, HALF, TREE) == (UNKNOWN,)


def test_the_rule_of_another_package_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = re.findall(r"```python\n(# single_class\.py\n.*?)```", EXTENDING.read_text(encoding="utf-8"), re.S)
    group = DECISION_RULES.group
    install_package(tmp_path, monkeypatch, "single_class", source, group, "most_probable = single_class:most_probable")
    rule = Registry(group, DECISION_RULES.kind, {}).load("most_probable")
    probabilities = {"birds": 0.9, "birds-owl": 0.6, "birds-wren": 0.8, "rain": 0.7}
    assert rule(probabilities, HALF, TREE) == ("birds-wren",)


def draw_probabilities(data: st.DataObject, tree: LabelTree) -> tuple[dict[str, float], dict[str, float]]:
    """Joint probabilities of some of the labels of `tree`, and the thresholds of all."""
    probability = st.floats(0, 1, width=32)
    thresholds = {label: data.draw(probability) for label in tree}
    return {label: data.draw(probability) for label in tree if data.draw(st.booleans())}, thresholds


@pytest.mark.parametrize("name", DECISION_RULES.names())
@given(tree=label_trees(), data=st.data())
def test_every_rule_keeps_the_contract(name: str, tree: LabelTree, data: st.DataObject) -> None:
    probabilities, thresholds = draw_probabilities(data, tree)
    rule = find_decision_rule(name)
    result = rule(probabilities, thresholds, tree)
    assert result
    assert rule(probabilities, thresholds, tree) == result
    if result != (UNKNOWN,):
        assert [probabilities[label] for label in result] == sorted((probabilities[k] for k in result), reverse=True)
        assert not {ancestor for label in result for ancestor in tree.path(label)[:-1]} & set(result)


@given(label_trees(), st.data())
def test_exactly_the_likely_classes_are_reported_or_covered(tree: LabelTree, data: st.DataObject) -> None:
    probabilities, thresholds = draw_probabilities(data, tree)
    reported = set(decide(probabilities, thresholds, tree)) - {UNKNOWN}
    likely = {label for label, value in probabilities.items() if value >= thresholds[label]}
    ancestors = {ancestor for label in reported for ancestor in tree.path(label)[:-1]}
    assert reported <= likely <= reported | ancestors
