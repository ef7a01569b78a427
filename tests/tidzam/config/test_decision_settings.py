"""The settings of the decision as a profile writes them, and the mistakes that are reported."""

from pathlib import Path
from typing import Any

import pytest

from tidzam.config.decision import DecisionSettings, options_of
from tidzam.config.load import load_settings
from tidzam.config.settings import Settings
from tidzam.errors import ConfigError


def load(folder: Path, text: str) -> Settings:
    path = folder / "node.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_a_rule_may_be_given_by_its_name_alone(tmp_path: Path) -> None:
    assert load(tmp_path, "analyzer: {decision: margin}").analyzer.decision == DecisionSettings(rule="margin")


def test_rule_options_and_overrides_are_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
location: {latitude: 42.4, longitude: -71.1, time_zone: America/New_York}
analyzer:
  decision:
    rule: margin
    options: {margin: 0.4}
    overrides:
      - {classes: birds-owl, times: [night, 18:00-20:00], threshold: 0.3}
  detections: {min_windows: 2, max_gap_s: 1.5, hysteresis: 0.1, same_call_s: 2, max_arrival_ms: 300}
""",
    )
    (override,) = settings.analyzer.decision.overrides
    assert override.times == ("night", "18:00-20:00")
    assert settings.analyzer.detections.max_arrival_ms == 300


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("analyzer: {decision: margn}", "decision.rule: found 'margn'; there is no such decision rule"),
        (
            "analyzer: {decision: {rule: margin, options: {margn: 1}}}",
            "the rule margin has no option 'margn'. Did you mean 'margin'? Its options are margin, species",
        ),
        ("analyzer: {decision: {rule: margin, options: {margin: 2}}}", "option margin: found 2; expected at most 1"),
        ("analyzer: {decision: {options: {count: 1}}}", "the rule thresholds has no option 'count'. It has no options"),
        (
            "analyzer: {decision: {overrides: [{rule: topk, options: {count: 0}, channels: a}]}}",
            "option count: found 0; expected at least 1",
        ),
        (
            "analyzer: {decision: {overrides: [{times: noon, threshold: 0.5}]}}",
            "it is not a time of day; expected night, dawn, day, dusk or for example 21:30-04:00",
        ),
        ("analyzer: {decision: {overrides: [{times: dawn, threshold: 0.5}]}}", "they need location"),
        ("analyzer: {decision: {overrides: [{channels: a}]}}", "it changes nothing"),
        (
            "analyzer: {decision: {overrides: [{classes: a, rule: topk}]}}",
            "a rule decides on whole windows; leave out classes",
        ),
        ("analyzer: {decision: {overrides: [{rule: topk}]}}", "it has neither channels nor times"),
        ("location: {latitude: 1, longitude: 2, time_zone: Mars/Base}", "is not a time zone"),
        ("analyzer: {detections: {max_arrival_ms: 1001}}", "max_arrival_ms: found 1001; expected at most 1000"),
    ],
)
def test_mistakes_are_reported(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)


def lowest(probabilities: Any, thresholds: Any, labels: Any, *, count: int = 1, suffix="") -> Any:  # type: ignore[no-untyped-def]
    """A rule whose options are partly annotated, as a package may have it."""


def test_the_options_of_any_rule_are_its_keyword_parameters() -> None:
    assert options_of(lowest, "lowest", {"count": "2", "suffix": "x"}) == {"count": 2, "suffix": "x"}


def test_all_mistakes_in_options_are_reported() -> None:
    with pytest.raises(ValueError, match=r"has no option 'size'.*; option count: found 'many'"):
        options_of(lowest, "lowest", {"size": 1, "count": "many"})
