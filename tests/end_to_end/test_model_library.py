"""The model library of a running node: a model is tried, promoted, still runs after a restart, and is taken back."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support.bundles import write_tone_bundle
from tests.support.chromium import CHROMIUM
from tests.support.eventually import eventually
from tests.support.node import Node, running_node
from tidzam.bundle import rewrite_manifest
from tidzam.paths import MODELS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


class LibraryClient:
    """The REST API of a node's console, for a manager who has logged in."""

    def __init__(self, node: Node) -> None:
        self.console = node.url("console")
        self._url = f"{self.console}/api/v1"
        self.password = node.run("users", "add", "heron", "--role", "admin", "--generate").stdout.strip()
        self._headers = {"Content-Type": "application/json"}
        begun = self._open("POST", "/session", {"username": "heron", "password": self.password})
        self._headers["Cookie"] = begun.headers["Set-Cookie"].partition(";")[0]
        self._headers["X-CSRF-Token"] = self("GET", "/session")["csrf_token"]

    def __call__(self, method: str, path: str, content: Any = None) -> Any:
        """The response to a request; the error if it is refused."""
        try:
            answer = self._open(method, path, content).read()
        except urllib.error.HTTPError as error:
            return json.load(error)["error"]
        return json.loads(answer) if answer else None

    def _open(self, method: str, path: str, content: Any) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._url + path, body, self._headers, method=method)
        return urllib.request.urlopen(request, timeout=120)


@contextmanager
def library_page(call: LibraryClient) -> Iterator[Page]:
    """The page of the library, in a browser in which the manager has logged in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{call.console}/login?next=/models")
        page.get_by_label("User name").fill("heron")
        page.get_by_label("Password").fill(call.password)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_load_state()
        page.goto(f"{call.console}/models")
        yield page
        browser.close()


def live(call: LibraryClient) -> dict[str, str]:
    """The versions of the classifiers that run."""
    return dict(call("GET", "/classifiers")["live"])


def test_a_model_is_tried_promoted_kept_over_a_restart_and_taken_back(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,)})
    models = tmp_path / "home" / MODELS
    for name, class_name in (("wrens", "wren"), ("jennies", "wren"), ("broken", "owl")):
        rewrite_manifest(write_tone_bundle(models, name, {class_name: (3000.0,)}), root=True)
    (models / "broken" / "model.onnx").write_bytes(b"x")
    sources = [{"name": "shed", "tone": {"frequency_hz": 440}, "outputs": []}]
    with running_node(tmp_path, sources, analyzer={"nn": str(tmp_path / "nn")}, console={}) as node:
        call = LibraryClient(node)
        before = call("GET", "/classifiers")["live"]

        refused = call("POST", "/classifiers/promote", {"add": ["broken"]})
        assert refused["code"] == "bundle_checksum"
        assert call("GET", "/classifiers")["live"] == before

        assert call("PUT", "/classifiers/shadow", {"add": ["wrens"]})["state"] == "running"
        eventually(lambda: call("GET", "/classifiers")["shadow"]["compared"] > 0)
        assert call("POST", "/classifiers/promote")["classifiers"] == ["selector", "wrens"]
        assert call("DELETE", "/models/wrens")["code"] == "model_in_use"

        node.stop()
        assert node.start().returncode == 0
        eventually(lambda: "wrens" in call("GET", "/classifiers")["live"])
        assert node.health("analyzer")["detail"]["classifiers"] == ["selector", "wrens"]

        version = call("GET", "/models/wrens")["facts"]["version"]
        saved = call("PUT", "/models/wrens/thresholds", {"version": version, "thresholds": {"wren": 0.9}})
        assert saved["fault"] is None
        assert call("GET", "/classifiers")["live"]["wrens"] == saved["version"] != version

        assert call("POST", "/classifiers/roll-back")["bundles"]["wrens"] == version
        with library_page(call) as page:
            page.locator(".library-model", has_text="wrens").get_by_role("button", name="Promote this version").click()
            eventually(lambda: live(call)["wrens"] == saved["version"], what="the second version runs")
            page.get_by_role("button", name="Roll back").click()
            eventually(lambda: live(call)["wrens"] == version, what="the first version runs again")
            page.get_by_role("button", name="Promote in place of wrens").click()
            eventually(
                lambda: list(live(call)) == ["selector", "jennies"], what="a model of the class runs in its place"
            )
            assert call("GET", "/classifiers")["shadow"] is None
            page.get_by_text("What ran before", exact=True).click()
            page.get_by_role("button", name="Run the classifiers of the settings again").click()
            eventually(lambda: live(call) == before, what="the classifiers of the settings run again")
        entries = call("GET", "/audit")["entries"]
    actions = [entry["action"] for entry in entries if entry["action"].startswith("model.")]
    assert list(reversed(actions)) == [
        *("model.shadowed", "model.promoted", "model.thresholds", "model.promoted", "model.rolled_back"),
        *("model.promoted", "model.rolled_back", "model.promoted", "model.rolled_back"),
    ]
    promoted = [entry["detail"] for entry in entries if entry["action"] == "model.promoted"][-1]
    assert before["selector"] in promoted["old_versions"]
    assert f"wrens {version}" in promoted["versions"]
