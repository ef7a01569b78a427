"""What is decided on which channel at which time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.classifiers import label_trees
from tidzam.config.decision import DecisionSettings
from tidzam.config.inference import DECISION_RULES
from tidzam.config.location import LocationSettings
from tidzam.errors import ConfigError
from tidzam.inference.decision import find_decision_rule
from tidzam.inference.decision_policy import DecisionPolicy
from tidzam.labels import UNKNOWN, LabelTree

TREE = LabelTree({"birds": None, "birds-owl": "birds", "birds-wren": "birds", "rain": None})
HALF = dict.fromkeys(TREE, 0.5)
BOSTON = LocationSettings(latitude=42.36, longitude=-71.06, time_zone="America/New_York")
NOON = datetime(2026, 5, 1, 16, 0, tzinfo=UTC)
NIGHT = datetime(2026, 5, 1, 5, 0, tzinfo=UTC)
SUNRISE = datetime(2026, 5, 1, 9, 40, tzinfo=UTC)
SUNSET = datetime(2026, 5, 1, 23, 37, tzinfo=UTC)


def policy(*overrides: dict[str, Any], **settings: Any) -> DecisionPolicy:
    made = DecisionSettings.model_validate({"overrides": overrides, **settings})
    return DecisionPolicy(made, HALF, TREE, location=BOSTON)


def decided(
    chosen: DecisionPolicy, *, channel: str = "pond:out_0", time: datetime | None = NOON, **p: float
) -> tuple[str, ...]:
    probabilities = {label.replace("_", "-"): value for label, value in p.items()}
    return chosen.decide(probabilities, channel=channel, time=time)


def test_the_rule_of_the_profile_decides() -> None:
    assert decided(policy(rule="topk", options={"count": 1}), rain=0.4, birds=0.3) == ("rain",)


def test_a_threshold_of_the_profile_replaces_that_of_the_bundle() -> None:
    chosen = policy({"classes": "rain", "threshold": 0.9}, {"classes": "birds", "threshold": 0.2})
    assert decided(chosen, rain=0.8, birds=0.3) == ("birds",)


def test_classes_are_named_by_beginnings_or_globs() -> None:
    chosen = policy({"classes": ["birds-", "r*"], "threshold": 0.9})
    assert decided(chosen, birds=0.8, birds_owl=0.7, rain=0.8) == ("birds",)


@pytest.mark.parametrize("rule", ["margin", "topk"])
def test_below_a_threshold_of_the_profile_a_class_gives_way_to_its_parent(rule: str) -> None:
    chosen = policy({"classes": "birds-owl", "threshold": 0.9}, rule=rule)
    assert decided(chosen, birds=0.95, birds_owl=0.8) == ("birds",)


def test_below_all_thresholds_of_the_profile_it_is_unknown() -> None:
    assert decided(policy({"threshold": 0.99}, rule="margin"), birds=0.95, birds_owl=0.8) == (UNKNOWN,)


def test_an_override_applies_on_its_channels() -> None:
    chosen = policy({"channels": "road", "threshold": 0.9})
    assert decided(chosen, channel="road:out_0", rain=0.8) == (UNKNOWN,)
    assert decided(chosen, channel="pond:out_0", rain=0.8) == ("rain",)


@pytest.mark.parametrize(
    ("times", "applies_at"),
    [
        ("night", {NIGHT}),
        ("dawn", {SUNRISE}),
        ("day", {NOON}),
        ("dusk", {SUNSET}),
        ("dawn,dusk", {SUNRISE, SUNSET}),
        ("11:00-13:00", {NOON}),
        ("19:00-06:00", {NIGHT, SUNSET, SUNRISE}),
    ],
)
def test_an_override_applies_at_its_times(times: str, applies_at: set[datetime]) -> None:
    chosen = policy({"times": times, "threshold": 0.9})
    moments = (NIGHT, SUNRISE, NOON, SUNSET)
    assert {time for time in moments if decided(chosen, time=time, rain=0.8) == (UNKNOWN,)} == applies_at


def test_without_a_date_overrides_by_time_do_not_apply() -> None:
    assert decided(policy({"times": "day,night,dawn,dusk", "threshold": 0.9}), time=None, rain=0.8) == ("rain",)


def test_the_last_override_wins() -> None:
    chosen = policy({"channels": "pond", "threshold": 0.9}, {"threshold": 0.7})
    assert decided(chosen, rain=0.8) == ("rain",)


def test_an_override_may_choose_another_rule() -> None:
    chosen = policy({"channels": "pond", "rule": "topk", "options": {"count": 1, "probability": 0.2}})
    assert decided(chosen, rain=0.3, birds=0.25) == ("rain",)
    assert decided(chosen, channel="road:out_0", rain=0.3) == (UNKNOWN,)


def test_an_override_of_options_keeps_the_other_options_of_the_rule() -> None:
    chosen = policy({"times": "night", "options": {"species": 0.9}}, rule="margin", options={"margin": 0.1})
    assert decided(chosen, time=NIGHT, birds=0.4, birds_owl=0.35, rain=0.2) == ("birds",)


def test_the_sun_needs_a_location() -> None:
    settings = DecisionSettings.model_validate({"overrides": [{"times": "dawn", "threshold": 0.1}]})
    with pytest.raises(ConfigError) as caught:
        DecisionPolicy(settings, HALF, TREE)
    assert caught.value.code == "location"


def test_the_clock_needs_no_location() -> None:
    settings = DecisionSettings.model_validate({"overrides": [{"times": "15:00-17:00", "threshold": 0.9}]})
    assert decided(DecisionPolicy(settings, HALF, TREE), rain=0.8) == (UNKNOWN,)


@pytest.mark.parametrize("name", DECISION_RULES.built_in)
@given(tree=label_trees(), data=st.data())
def test_with_thresholds_of_the_profile_every_rule_keeps_the_contract(
    name: str, tree: LabelTree, data: st.DataObject
) -> None:
    probability = st.floats(0, 1, width=32)
    thresholds = {label: data.draw(probability) for label in tree}
    probabilities = {label: data.draw(probability) for label in tree if data.draw(st.booleans())}
    floor = data.draw(probability)
    settings = DecisionSettings.model_validate({"rule": name, "overrides": [{"threshold": floor}]})
    result = DecisionPolicy(settings, thresholds, tree).decide(probabilities, channel="a", time=None)
    reported = [] if result == (UNKNOWN,) else list(result)
    assert all(probabilities[label] >= floor for label in reported)
    assert not {ancestor for label in reported for ancestor in tree.path(label)[:-1]} & set(reported)
    assert reported == sorted(reported, key=lambda label: (-probabilities[label], label))
    if name == "thresholds":
        assert result == find_decision_rule(name)(probabilities, dict.fromkeys(tree, floor), tree)
