"""Evaluations at other thresholds, and saving these as a new version."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import ConsoleUnderTest
from tidzam.bundle import installed_model, read_bundle
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import Promotions, write_promotions
from tidzam.open_set_report import FILE
from tidzam.paths import MODELS

API = "/api/v1/models/calls"


def evaluation(console: ConsoleUnderTest, query: str = "") -> dict[str, Any]:
    response = console.logged_in("viewer").get(f"{API}/evaluation{query}")
    assert response.status_code == 200, response.text
    return dict(response.json())


def version(home: Path) -> str:
    return read_bundle(home / MODELS / "calls").manifest.version


def save(console: ConsoleUnderTest, seen: str, **thresholds: float) -> Any:
    manager = console.logged_in("manager")
    return manager.put(f"{API}/thresholds", json={"version": seen, "thresholds": thresholds})


def test_the_evaluation_is_that_of_the_bundle(console: ConsoleUnderTest, tmp_path: Path) -> None:
    found = evaluation(console)
    stated = read_bundle(tmp_path / MODELS / "calls").manifest.accuracy["test"]
    assert found["test"]["confusion"] == stated["confusion"]
    assert found["are_saved"]


def test_at_other_thresholds_it_is_computed_again(console: ConsoleUnderTest) -> None:
    found = evaluation(console, "?threshold=high:1")
    assert [row[0] for row in found["test"]["confusion"]] == [0, 0, 0]
    assert not found["are_saved"]


def test_at_the_same_thresholds_it_is_the_same(console: ConsoleUnderTest) -> None:
    saved = evaluation(console)
    same = "&".join(f"threshold={tag}:{value}" for tag, value in saved["thresholds"].items())
    assert evaluation(console, f"?{same}") == saved


def test_the_computed_evaluation_equals_that_of_the_training(console: ConsoleUnderTest) -> None:
    saved = evaluation(console)
    nearly = evaluation(console, f"?threshold=high:{saved['thresholds']['high'] + 1e-6}")
    assert nearly["test"]["confusion"] == saved["test"]["confusion"]
    assert nearly["test"]["false_alarms_per_hour"] == saved["test"]["false_alarms_per_hour"]


@pytest.mark.parametrize("query", ["?threshold=owl:0.5", "?threshold=high:2", "?threshold=high", "?threshold=high:x"])
def test_impossible_thresholds_are_refused(console: ConsoleUnderTest, query: str) -> None:
    assert console.logged_in("viewer").get(f"{API}/evaluation{query}").status_code == 422


def test_a_model_without_an_evaluation_has_none(console: ConsoleUnderTest) -> None:
    assert console.logged_in("viewer").get("/api/v1/models/base/evaluation").status_code == 404


def test_saved_thresholds_are_a_new_version_with_its_evaluation(console: ConsoleUnderTest, tmp_path: Path) -> None:
    saved = save(console, version(tmp_path), high=0.9)
    bundle = read_bundle(tmp_path / MODELS / "calls")
    report = json.loads((bundle.folder / FILE).read_text())
    assert saved.json() == {"version": bundle.manifest.version, "fault": None}
    assert bundle.manifest.thresholds["high"] == report["tags"]["high"]["threshold"] == 0.9
    assert report["version"] == bundle.manifest.version
    assert evaluation(console)["test"]["confusion"] == bundle.manifest.accuracy["test"]["confusion"]


def test_saved_thresholds_are_in_the_lineage(console: ConsoleUnderTest, tmp_path: Path) -> None:
    before = read_bundle(tmp_path / MODELS / "calls").manifest
    save(console, before.version, high=0.9)
    (revision,) = console.logged_in("viewer").get(API).json()["lineage"]["revisions"]
    assert (revision["author"], revision["version"]) == ("manager", before.version)
    assert revision["thresholds"] == {"high": before.thresholds["high"]}


def test_saved_thresholds_are_in_the_audit_log_with_both_versions(console: ConsoleUnderTest, tmp_path: Path) -> None:
    old = version(tmp_path)
    save(console, old, high=0.9)
    entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    (entry,) = [one for one in entries if one["action"] == "model.thresholds"]
    assert entry["subject"] == "calls"
    assert (entry["detail"]["old_version"], entry["detail"]["new_version"]) == (old, version(tmp_path))


def test_the_card_says_that_its_figures_are_older(console: ConsoleUnderTest, tmp_path: Path) -> None:
    old = version(tmp_path)
    save(console, old, high=0.9)
    save(console, version(tmp_path), high=0.8)
    card = (tmp_path / MODELS / "calls" / "card.md").read_text()
    assert card.count("Thresholds were changed on 2026-05-01") == 1
    assert f"those of version {old}" in card


def test_thresholds_of_a_version_that_was_replaced_are_not_saved(console: ConsoleUnderTest, tmp_path: Path) -> None:
    save(console, seen := version(tmp_path), high=0.9)
    refused = save(console, seen, high=0.1)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert read_bundle(tmp_path / MODELS / "calls").manifest.thresholds["high"] == 0.9


def test_the_same_thresholds_are_no_new_version(console: ConsoleUnderTest, tmp_path: Path) -> None:
    manifest = read_bundle(tmp_path / MODELS / "calls").manifest
    saved = save(console, manifest.version, high=manifest.thresholds["high"])
    assert saved.json()["version"] == version(tmp_path) == manifest.version


def test_thresholds_of_a_bundle_that_is_not_installed_are_not_changed(console: ConsoleUnderTest) -> None:
    manager = console.logged_in("manager")
    refused = manager.put("/api/v1/models/selector/thresholds", json={"version": "1", "thresholds": {"birds": 0.1}})
    assert refused.status_code == 422


def test_the_form_of_the_page_saves_them(console: ConsoleUnderTest, tmp_path: Path) -> None:
    form = {"version": version(tmp_path), "threshold:high": "0.75"}
    saved = console.logged_in("manager").post("/models/calls/thresholds", data=form)
    assert (saved.status_code, saved.headers["Location"]) == (303, "/models/calls")
    assert read_bundle(tmp_path / MODELS / "calls").manifest.thresholds["high"] == 0.75


def test_an_older_page_is_asked_to_load_again(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("manager").post(
        "/models/calls/thresholds", data={"version": "old", "threshold:high": "0.75"}
    )
    assert refused.status_code == 409
    assert "Load the page again" in refused.text


def test_thresholds_are_saved_without_the_probabilities_of_test_windows(
    console: ConsoleUnderTest, tmp_path: Path
) -> None:
    """As of recognizers that were trained before reports had them."""
    report = tmp_path / MODELS / "calls" / FILE
    values = json.loads(report.read_text())
    del values["test"]["tested"]
    report.write_text(json.dumps(values))
    assert save(console, version(tmp_path), high=0.9).status_code == 200
    assert read_bundle(tmp_path / MODELS / "calls").manifest.thresholds["high"] == 0.9


def test_a_tag_that_misses_most_calls_is_called_weak(console: ConsoleUnderTest, tmp_path: Path) -> None:
    before = console.logged_in("viewer").get("/models/calls").text
    save(console, version(tmp_path), high=1.0)
    after = console.logged_in("viewer").get("/models/calls").text
    assert "is weak" not in before
    assert "high is weak" in after


def test_the_version_that_is_replaced_by_other_thresholds_is_kept_if_it_runs_live(
    console: ConsoleUnderTest, tmp_path: Path
) -> None:
    seen = version(tmp_path)
    own = console.runtime.settings.analyzer
    log = Promotions.none(CascadeChoice(own.nn, own.models))
    write_promotions(tmp_path, log.promoted(CascadeChoice(None, ("calls",)), {}, before={}, now=datetime.now(UTC)))
    save(console, seen, high=0.9)
    assert read_bundle(installed_model(tmp_path / MODELS, f"calls@{seen}")).manifest.version == seen
