"""What is decided in the console applies to the running analyzer, and in the same way to files."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from analyzer.decision_files import DecisionFiles, DecisionFollower
from analyzer.pipeline import Pipeline
from tests.support.bundles import write_tone_bundle
from tidzam.class_rules import ClassRule, ClassRules, class_rules_file, write_class_rules
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.decision_policy import DecisionPolicy

HEARD = {"birds": 0.9, "owl": 0.8, "rain": 0.05}


@pytest.fixture
def nn(tmp_path: Path) -> Path:
    """A selector of `birds` and `rain`, and an expert of the birds."""
    folder = tmp_path / "nn"
    folder.mkdir()
    write_tone_bundle(folder, "selector", {"birds": (2000.0, 5000.0), "rain": (500.0,)})
    write_tone_bundle(folder, "birds", {"owl": (2000.0,), "wren": (5000.0,)})
    return folder


def policy_of(nn: Path, home: Path) -> DecisionPolicy:
    return Pipeline.of(AnalyzerSettings(nn=nn), home=home).policy


def decided(policy: DecisionPolicy) -> tuple[str, ...]:
    return policy.decide(HEARD, channel="pond:out_0", time=None)


def test_a_running_analyzer_follows_and_decides_as_one_that_starts_later(nn: Path, tmp_path: Path) -> None:
    policy = policy_of(nn, tmp_path)
    follower = DecisionFollower(DecisionFiles(tmp_path), lambda: (policy,))
    follower.look()
    results = [decided(policy)]
    for rule in (ClassRule(excluded=True), ClassRule(threshold=0.75), ClassRule(threshold=0.85), ClassRule()):
        write_class_rules(tmp_path, ClassRules().changed("birds/owl", rule))
        follower.look()
        results.append(decided(policy))
        assert decided(policy_of(nn, tmp_path)) == results[-1]
    assert results == [("owl",), ("birds",), ("owl",), ("birds",), ("owl",)]


def test_other_classifiers_that_take_over_follow_too(nn: Path, tmp_path: Path) -> None:
    first, second = policy_of(nn, tmp_path), policy_of(nn, tmp_path)
    live = [first]
    follower = DecisionFollower(DecisionFiles(tmp_path), lambda: (live[0],))
    write_class_rules(tmp_path, ClassRules(classes={"birds": ClassRule(excluded=True)}))
    follower.look()
    live[0] = second
    follower.look()
    assert [decided(one) for one in (first, second)] == [("unknown",), ("unknown",)]


def test_a_file_that_cannot_be_read_is_logged_and_changes_nothing(
    nn: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_class_rules(tmp_path, ClassRules(classes={"birds": ClassRule(excluded=True)}))
    policy = policy_of(nn, tmp_path)
    class_rules_file(tmp_path).write_text("damaged")
    DecisionFollower(DecisionFiles(tmp_path), lambda: (policy,)).look()
    assert decided(policy) == ("unknown",)
    assert "class-rules.json cannot be read" in caplog.text


def test_an_excluded_class_is_not_held_by_hysteresis(nn: Path, tmp_path: Path) -> None:
    write_class_rules(tmp_path, ClassRules(classes={"birds/owl": ClassRule(excluded=True)}))
    assert policy_of(nn, tmp_path).decision("pond:out_0", None).thresholds["owl"] == inf
