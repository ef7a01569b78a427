"""From annotations in the store to an installed recognizer, by the REST API and the trainer's own process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.annotations import ANNOTATOR
from tests.support.annotations import request as annotation_request
from tests.support.console import ConsoleUnderTest, console_under_test, console_with_profile
from tests.support.eventually import eventually
from tests.support.jobs import end_jobs
from tests.support.model_builder import annotate, build_request, recorded_profile
from tests.support.openset import DAYS
from tidzam.bundle import read_bundle
from tidzam.jobs.states import JobState

pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True)
class Builder:
    console: ConsoleUnderTest
    home: Path
    annotations: int

    @property
    def client(self) -> TestClient:
        return self.console.logged_in("manager")

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.client.post(f"/api/v1{path}", json=body)

    def finish(self, number: int, *, within_s: float = 90) -> Any:
        """The job, once it has ended."""
        jobs = self.console.runtime.jobs

        def has_ended() -> bool:
            jobs.watch.step()
            return jobs.find_job(number).state.is_final

        eventually(has_ended, what="the job has ended", within_s=within_s)
        return jobs.find_job(number)


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    home = tmp_path_factory.mktemp("home")
    with console_with_profile(home, recorded_profile(home / "sound")) as console:
        yield Builder(console, home, annotate(console, home / "sound"))
    end_jobs(home)


def test_days_tags_and_bases_are_offered(builder: Builder) -> None:
    choices = builder.client.get("/api/v1/recognizers/choices").json()
    assert [day["day"] for day in choices["days"]] == list(DAYS)
    assert choices["tags"] == {"high": 32, "low": 32}
    assert [base["name"] for base in choices["bases"]] == [""]


def test_background_is_no_tag_to_choose(tmp_path: Path) -> None:
    with console_under_test(tmp_path) as console:
        for tag in ("wren", "background"):
            console.runtime.annotations.add(ANNOTATOR, annotation_request(tag=tag))
        choices = console.logged_in("manager").get("/api/v1/recognizers/choices").json()
    assert choices["tags"] == {"wren": 1}
    assert [day["annotations"] for day in choices["days"]] == [{"wren": 1, "background": 1}]


def test_a_plan_says_what_would_be_used(builder: Builder) -> None:
    plan = builder.post("/recognizers/plan", build_request()).json()
    assert plan["annotations"] == {"train": 32, "test": 32}
    assert plan["models"] == [
        {"name": "tones", "windows": {"high": 16, "low": 16}, "test_windows": {"high": 16, "low": 16}, "problem": None}
    ]
    assert plan["background_windows"] == {"train-background": 30, "test-background": 30}


def test_a_recognizer_is_trained_and_installed(builder: Builder) -> None:
    (job,) = builder.post("/recognizers", build_request()).json()
    ended = builder.finish(job["id"])
    assert ended.state is JobState.DONE, ended.message
    manifest = read_bundle(builder.home / "models" / "tones").manifest
    assert manifest.classes == ("high", "low")
    assert manifest.version == ended.result["version"]
    assert manifest.provenance["windows"]["test"] == 32
    assert ended.result["macro_f1"] > 0.8


def test_one_model_is_built_per_set_of_tags(builder: Builder) -> None:
    sets = [{"name": "highs", "tags": ["high"]}, {"name": "lows", "tags": ["low"]}]
    jobs = builder.post("/recognizers", build_request(models=sets)).json()
    for job in jobs:
        builder.client.post(f"/api/v1/jobs/{job['id']}/cancel")
    assert [job["title"] for job in jobs] == ["highs", "lows"]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"models": [{"name": "tones", "tags": ["heron"]}]}, 422, "heron has 0 of the 3 training windows"),
        ({"models": [{"name": "tones", "tags": ["background"]}]}, 422, "not to be recognized"),
        ({"base": "burdnet"}, 422, "no model called 'burdnet'"),
        ({"models": [{"name": "../tones", "tags": ["high"]}]}, 422, "models.0.name"),
        ({"models": [{"name": "high", "tags": ["high"]}] * 2}, 422, "two models have the same name"),
        ({"days": {"9999-12-31": "train"}}, 422, "days"),
        ({"models": [{"name": "foreign", "tags": ["high"]}]}, 422, "not built from annotations"),
    ],
)
def test_what_cannot_be_built_is_refused_with_its_reason(
    builder: Builder, changes: dict[str, Any], status: int, message: str
) -> None:
    (builder.home / "models" / "foreign").mkdir(parents=True, exist_ok=True)
    refused = builder.post("/recognizers", build_request(**changes))
    assert refused.status_code == status
    assert message in refused.json()["error"]["message"]


def planned(builder: Builder, *entries: Any) -> tuple[Any, Any]:
    """The answers to a request for the model `herons`, and its plan, where `entries` were promoted."""
    promotions = builder.home / "promotions.json"
    promotions.write_text(json.dumps({"format_version": 1, "entries": [{"nn": None}, *entries]}))
    asked = build_request(models=[{"name": "herons", "tags": ["high"]}])
    answers = builder.post("/recognizers", asked), builder.post("/recognizers/plan", asked).json()
    promotions.unlink()
    return answers


@pytest.mark.parametrize(
    "entries", [[{"models": ["herons"]}], [{"models": ["herons"]}, {"models": ["owls"]}]], ids=["live", "before"]
)
def test_what_runs_by_its_name_or_would_after_a_rollback_is_not_replaced(builder: Builder, entries: list[Any]) -> None:
    """The analyzer would load it at once, without a promotion."""
    refused, plan = planned(builder, *entries)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_exists")
    assert "runs live" in plan["models"][0]["problem"]


def test_a_model_that_was_promoted_is_built_again(builder: Builder) -> None:
    """Its version that runs is kept, and stays live."""
    built, plan = planned(builder, {"models": ["herons@0123456789ab"]})
    assert plan["models"][0]["problem"] is None
    assert builder.client.post(f"/api/v1/jobs/{built.json()[0]['id']}/cancel").status_code == 200


def test_background_can_be_left_out(builder: Builder) -> None:
    plan = builder.post("/recognizers/plan", build_request(background_between=False)).json()
    assert plan["background_windows"] == {}


def test_the_job_keeps_how_it_was_asked_for(builder: Builder) -> None:
    (job,) = builder.post("/recognizers", build_request(most_false_alarms=2.0)).json()
    asked = json.loads(json.dumps(job["parameters"]))
    assert (asked["days"], asked["most_false_alarms"]) == ({DAYS[0]: "train", DAYS[1]: "test"}, 2.0)
    builder.client.post(f"/api/v1/jobs/{job['id']}/cancel")
