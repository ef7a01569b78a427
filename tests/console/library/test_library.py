"""The library by the REST API and by its pages: what there is, where it comes from, and what is removed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from console.services.library.library import list_models, running_view
from tests.support.console import ConsoleUnderTest
from tests.support.openset import DAYS
from tidzam.bundle import read_bundle, read_manifest
from tidzam.paths import DEMO_BUNDLES, MODELS
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.examples.analyzer import HEALTH

API = "/api/v1/models"


def test_the_library_has_installed_models_and_those_of_the_folder_that_runs(console: ConsoleUnderTest) -> None:
    models = console.logged_in("viewer").get(API).json()["models"]
    assert {one["name"]: one["is_installed"] for one in models} == {
        "base": True,
        "birds": False,
        "calls": True,
        "frogs": False,
        "selector": False,
    }


def test_a_model_says_what_it_takes(console: ConsoleUnderTest) -> None:
    facts = console.logged_in("viewer").get(f"{API}/calls").json()["facts"]
    assert (facts["kind"], facts["classes"], facts["parent"]) == ("open-set recognizer", ["high", "low"], None)
    assert (facts["input"], facts["rate_hz"], facts["base"]) == ("features", 8000, "base")


def test_the_lineage_names_base_days_windows_and_files(console: ConsoleUnderTest, tmp_path: Path) -> None:
    lineage = console.logged_in("viewer").get(f"{API}/calls").json()["lineage"]
    base = read_bundle(tmp_path / MODELS / "base").manifest
    assert (lineage["base"], lineage["base_version"]) == ("base", base.version)
    assert lineage["days"]["test"] == [DAYS[1]]
    assert lineage["tags"]["train"] == {"high": 32, "low": 32}
    assert lineage["files"]["train"][0] == str(tmp_path / f"pond-{DAYS[0]}-00-00-00.wav")


def test_an_unknown_model_is_not_found_with_the_name_that_was_meant(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("viewer").get(f"{API}/cals")
    assert refused.status_code == 404
    assert "calls" in refused.json()["error"]["message"]


def test_a_model_with_a_damaged_manifest_is_listed_with_the_reason(console: ConsoleUnderTest, tmp_path: Path) -> None:
    (tmp_path / MODELS / "calls" / "manifest.json").write_text("{}")
    models = console.logged_in("viewer").get(API).json()["models"]
    fault = next(one["fault"] for one in models if one["name"] == "calls")
    assert "bundle of format None" in fault


def test_its_page_shows_the_reason(console: ConsoleUnderTest, tmp_path: Path) -> None:
    (tmp_path / MODELS / "calls" / "manifest.json").write_text("{}")
    page = console.logged_in("viewer").get("/models/calls")
    assert page.status_code == 200
    assert "bundle of format None" in page.text


def test_a_model_that_is_removed_is_gone_and_in_the_audit_log(console: ConsoleUnderTest, tmp_path: Path) -> None:
    version = read_bundle(tmp_path / MODELS / "calls").manifest.version
    assert console.logged_in("manager").delete(f"{API}/calls").status_code == 204
    assert not (tmp_path / MODELS / "calls").exists()
    entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    (entry,) = [one for one in entries if one["action"].startswith("model.")]
    assert (entry["action"], entry["subject"], entry["detail"]) == ("model.removed", "calls", {"version": version})


def test_a_model_of_the_folder_that_runs_is_not_removed(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("manager").delete(f"{API}/selector")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "model_in_use")


def test_a_viewer_sees_no_buttons(console: ConsoleUnderTest) -> None:
    pages = [console.logged_in("viewer").get(path).text for path in ("/models", "/models/calls")]
    assert not any('action="/classifiers' in page or "/remove" in page for page in pages)


def test_a_manager_sees_them(console: ConsoleUnderTest) -> None:
    page = console.logged_in("manager").get("/models").text
    assert 'action="/models/calls/remove"' in page
    assert 'formaction="/classifiers/promote"' in page


def test_a_bundle_without_an_evaluation_shows_what_it_has(console: ConsoleUnderTest) -> None:
    page = console.logged_in("viewer").get("/models/selector")
    assert page.status_code == 200
    assert "evaluation-head" not in page.text
    assert "Accuracy: validation" in page.text


def test_the_pictures_of_its_trainer_are_served(console: ConsoleUnderTest) -> None:
    client = console.logged_in("viewer")
    assert client.get(f"{API}/selector").json()["pictures"] == ["confusion.png", "precision_recall.png"]
    picture = client.get(f"{API}/selector/pictures/confusion.png")
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")


def test_what_is_no_picture_is_not_served(console: ConsoleUnderTest, tmp_path: Path) -> None:
    (tmp_path / MODELS / "base" / "roc.png").symlink_to("/etc/passwd")
    (tmp_path / MODELS / "base" / "confusion.png").write_text("text")
    client = console.logged_in("viewer")
    served = [client.get(f"{API}/base/pictures/{name}.png").status_code for name in ("roc", "confusion")]
    assert served == [404, 404]


def test_without_an_analyzer_the_classifiers_are_away(console: ConsoleUnderTest) -> None:
    state = console.logged_in("viewer").get("/api/v1/classifiers").json()
    assert state["is_away"]


def test_without_an_analyzer_nothing_is_promoted(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("manager").post("/api/v1/classifiers/promote", json={"add": ["calls"]})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "analyzer_away")


def test_the_page_says_why_nothing_was_promoted(console: ConsoleUnderTest) -> None:
    manager = console.logged_in("manager")
    refused = manager.post("/classifiers/promote", data={"model": "calls", "place": "add"})
    assert refused.status_code == 503
    assert "does not answer" in refused.text


def test_a_change_of_nothing_is_refused(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("manager").put("/api/v1/classifiers/shadow", json={})
    assert refused.status_code == 422


def test_only_the_network_that_runs_is_live_if_others_have_its_name(console: ConsoleUnderTest, tmp_path: Path) -> None:
    """Networks that are trained in the console are all called `selector` in their manifests."""
    trained = tmp_path / MODELS / "tones"
    shutil.copytree(DEMO_BUNDLES / "selector", trained)
    manifest = trained / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": "another"}))
    running = read_manifest(DEMO_BUNDLES / "selector").version
    health = AnalyzerHealth.model_validate({**HEALTH, "bundles": {"selector": running}, "shadow": None})
    live = {one.name: one.live_version for one in list_models(console.runtime.settings, health)}
    assert (live["selector"], live["tones"]) == (running, None)


def test_a_model_that_runs_in_its_last_version_is_running(console: ConsoleUnderTest, tmp_path: Path) -> None:
    settings = console.runtime.settings
    settings = settings.model_copy(update={"analyzer": settings.analyzer.model_copy(update={"nn": tmp_path / MODELS})})
    name = read_manifest(tmp_path / MODELS / "calls").name
    health = AnalyzerHealth.model_validate({**HEALTH, "bundles": {name: "the one before"}, "shadow": None})
    assert running_view(settings, health, "calls").live_version is not None
