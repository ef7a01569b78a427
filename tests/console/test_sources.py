"""Sources by the REST API: tested, added, changed and removed, with a stream manager and without one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile
from starlette.testclient import TestClient

from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.sound import tone
from tests.support.source_server import source_server
from tidzam.config import Settings

SOURCES = "/api/v1/sources"
PROFILE = {"sources": [{"name": "marsh", "url": "/none/marsh.flac"}]}


@dataclass
class Node:
    """A console, a stream manager whose profile has the source `marsh`, and a manager who is logged in."""

    console: ConsoleUnderTest
    client: TestClient
    folder: Path

    def source(self, name: str) -> dict[str, Any]:
        return dict(self.client.get(f"{SOURCES}/{name}").json())

    def added(self, **changes: Any) -> Any:
        return self.client.post(SOURCES, json={"name": "wren", "url": "wren.flac", **changes})

    @property
    def audit(self) -> list[dict[str, Any]]:
        entries = self.console.logged_in("admin").get("/api/v1/audit").json()["entries"]
        return [entry for entry in entries if entry["action"].startswith("source.")]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    media, home = tmp_path / "media", tmp_path / "home"
    media.mkdir()
    home.mkdir()
    soundfile.write(media / "wren.flac", tone(440, duration_s=1), 44100)
    (media / "notes.txt").write_text("A wren at dawn.")
    profile = Settings.model_validate(PROFILE).sources
    with (
        source_server(media, *profile) as url,
        console_with_profile(home, PROFILE, manager=url) as console,
        console.logged_in("manager") as client,
    ):
        client.portal.call(console.runtime.monitor.refresh)  # type: ignore[union-attr]
        yield Node(console, client, media)


def test_an_address_is_tested_without_loading_it(node: Node) -> None:
    found = node.client.post(f"{SOURCES}/test", json={"url": "wren.flac"}).json()
    assert (found["channels"], found["rate_hz"], found["duration_s"]) == (1, 44100, 1.0)
    assert [one["name"] for one in node.client.get(SOURCES).json()["sources"]] == ["marsh"]


def test_an_added_source_is_kept_for_the_next_start_and_audited(node: Node) -> None:
    assert node.added().status_code == 201
    assert node.source("wren")["kind"] == "added"
    assert '"wren"' in (node.folder / "client-sources.json").read_text(encoding="utf-8")
    (entry,) = node.audit
    assert (entry["action"], entry["subject"], entry["actor"]) == ("source.added", "wren", "manager")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"url": "notes.txt"}, 422, "source_not_audio"),
        ({"url": "none.flac"}, 422, "source_not_found"),
        ({"url": "http://169.254.169.254/latest"}, 422, "address_not_allowed"),
        ({"channels": ["7"]}, 422, "source_channels"),
        ({"name": "marsh"}, 409, "source_exists"),
        ({"name": "no spaces"}, 422, "request"),
    ],
)
def test_what_cannot_be_added_is_refused_with_its_reason_and_changes_nothing(
    node: Node, changes: dict[str, Any], status: int, code: str
) -> None:
    refused = node.added(**changes)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert [one["name"] for one in node.client.get(SOURCES).json()["sources"]] == ["marsh"]
    assert node.audit == []


def test_a_source_that_does_not_answer_yet_is_added_without_a_test(node: Node) -> None:
    assert node.added(url="none.flac", skip_test=True).status_code == 201
    assert "does not exist" in node.source("wren")["problem"]


def test_a_source_of_the_profile_is_marked_replaced_and_restored(node: Node) -> None:
    assert node.source("marsh")["kind"] == "profile"
    assert node.client.put(f"{SOURCES}/marsh", json={"url": "wren.flac", "loop": True}).status_code == 200
    changed = node.source("marsh")
    assert (changed["kind"], changed["replaces_profile"], changed["loop"]) == ("added", True, True)
    assert node.client.delete(f"{SOURCES}/marsh").status_code == 204
    assert node.source("marsh")["kind"] == "profile"


def test_a_source_of_the_profile_that_was_unloaded_is_shown_and_loaded_again(node: Node) -> None:
    node.client.delete(f"{SOURCES}/marsh")
    assert node.source("marsh")["state"] == "unloaded"
    assert node.client.post(f"{SOURCES}/marsh/reload").status_code == 204
    assert node.source("marsh")["state"] != "unloaded"


def test_a_removed_source_is_forgotten(node: Node) -> None:
    node.added()
    assert node.client.delete(f"{SOURCES}/wren").status_code == 204
    assert node.client.get(f"{SOURCES}/wren").status_code == 404
    assert [entry["action"] for entry in node.audit] == ["source.removed", "source.added"]


def test_an_address_with_credentials_is_shown_without_them_and_marked(node: Node) -> None:
    node.added(url="http://heron:secret@127.0.0.1:9/pond.ogg", skip_test=True)
    shown = node.source("wren")
    assert (shown["url"], shown["is_url_complete"]) == ("http://127.0.0.1:9/pond.ogg", False)
    assert "secret" not in str(node.audit)


@pytest.mark.parametrize("name", ["marsh", "wren"])
def test_any_source_is_recorded_from_when_it_is_switched_on(node: Node, name: str) -> None:
    node.added(skip_test=True)
    assert node.client.put(f"{SOURCES}/{name}/recording", json={"on": True}).status_code == 204
    assert node.source(name)["recording"]["is_on"]
    assert node.audit[0]["detail"] == {"recording": "on"}


def test_a_source_that_is_copied_cannot_be_recorded(node: Node) -> None:
    node.added(url="http://127.0.0.1:9/pond.ogg", format="copy", skip_test=True)
    refused = node.client.put(f"{SOURCES}/wren/recording", json={"on": True})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_recordable")


def test_the_transitions_of_a_source_are_listed(node: Node) -> None:
    listed = node.client.get(f"{SOURCES}/marsh/transitions").json()
    assert listed["transitions"][0]["code"] == "source_not_found"


def test_while_the_stream_manager_is_away_the_profile_is_shown_and_nothing_changed(tmp_path: Path) -> None:
    with console_with_profile(tmp_path, PROFILE) as console:
        client = console.logged_in("manager")
        shown = client.get(SOURCES).json()
        refused = client.post(SOURCES, json={"name": "wren", "url": "wren.flac"})
    assert shown["is_known"] is False
    assert [(one["name"], one["state"]) for one in shown["sources"]] == [("marsh", "unknown")]
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stream_manager_away")
