"""What is decided in the console applies to the running analyzer, and in the same way to files."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import product
from math import inf
from pathlib import Path

import pytest

from analyzer.decision_files import DecisionFiles, DecisionFollower
from analyzer.pipeline import Pipeline
from tests.support.bundles import write_tone_bundle
from tidzam.class_rules import ClassRule, ClassRules, class_rules_file, write_class_rules
from tidzam.config.decision import PriorSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.decision_policy import DecisionPolicy
from tidzam.time_models.prior import ClassTimeModel, TimeModels
from tidzam.time_models.prior_file import write_time_models

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
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
    follower = DecisionFollower(DecisionFiles(PriorSettings(), tmp_path), lambda: (policy,))
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
    follower = DecisionFollower(DecisionFiles(PriorSettings(), tmp_path), lambda: (live[0],))
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
    DecisionFollower(DecisionFiles(PriorSettings(), tmp_path), lambda: (policy,)).look()
    assert decided(policy) == ("unknown",)
    assert "class-rules.json cannot be read" in caplog.text


def test_an_excluded_class_is_not_held_by_hysteresis(nn: Path, tmp_path: Path) -> None:
    write_class_rules(tmp_path, ClassRules(classes={"birds/owl": ClassRule(excluded=True)}))
    assert policy_of(nn, tmp_path).decision("pond:out_0", None).thresholds["owl"] == inf


def never_at_night() -> TimeModels:
    """The owl three times as often as on average by day, and never around midnight."""
    owl = ClassTimeModel(count=99, day=(0.0, 2.0, 2.0, 0.0), year=(1.0,))
    day = date(2026, 5, 1)
    return TimeModels(fitted=NOON, first_day=day, last_day=day, time_zone="UTC", classes={"birds/owl": owl})


def test_live_and_file_analysis_decide_alike_with_time_models(nn: Path, tmp_path: Path) -> None:
    settings = AnalyzerSettings.model_validate({"nn": nn, "decision": {"prior": {"enabled": True, "max_factor": 4}}})
    live = Pipeline.of(settings, home=tmp_path).policy
    follower = DecisionFollower(DecisionFiles(settings.decision.prior, tmp_path), lambda: (live,))
    follower.look()
    write_time_models(tmp_path, never_at_night())
    follower.look()
    of_files = Pipeline.of(settings, home=tmp_path).policy
    results = {}
    for hour, percent in product(range(24), range(0, 101, 5)):
        heard = {"birds": 0.9, "owl": percent / 100}
        time = NOON + timedelta(hours=hour)
        results[time.hour, percent] = live.decide(heard, channel="pond:out_0", time=time)
        assert of_files.decide(heard, channel="pond:out_0", time=time) == results[time.hour, percent]
    lowest = {
        hour: min(p for (one, p), found in results.items() if one == hour and found == ("owl",)) for hour in (0, 12)
    }
    assert lowest == {0: 80, 12: 35}  # 0.8: odds of 4 to 1, quartered; 0.35: of 7 to 13, doubled


def test_time_models_are_not_used_unless_the_profile_says_so(nn: Path, tmp_path: Path) -> None:
    write_time_models(tmp_path, never_at_night())
    policy = policy_of(nn, tmp_path)
    assert policy.decide(HEARD, channel="pond:out_0", time=NOON - timedelta(hours=12)) == ("owl",)


def test_hysteresis_holds_a_class_by_the_same_odds(nn: Path, tmp_path: Path) -> None:
    settings = AnalyzerSettings.model_validate({"nn": nn, "decision": {"prior": {"enabled": True, "max_factor": 4}}})
    write_time_models(tmp_path, never_at_night())
    policy = Pipeline.of(settings, home=tmp_path).policy
    midnight = policy.decision("pond:out_0", NOON - timedelta(hours=12))
    assert [midnight.threshold("owl"), midnight.threshold("rain")] == pytest.approx([0.8, 0.5])


def test_a_fault_does_not_end_the_analyzer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> tuple[DecisionPolicy, ...]:
        raise RuntimeError("no policies")

    async def follow() -> None:
        await asyncio.wait_for(DecisionFollower(DecisionFiles(PriorSettings(), tmp_path), broken).run(), 0.2)

    with pytest.raises(TimeoutError):
        asyncio.run(follow())
    assert "decisions about classes cannot be followed" in caplog.text
