"""Annotations over the REST API: made, changed, deleted and counted; all browsers follow; every change is audited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.console.test_live import EVENTS, browser, serving
from tests.support.annotations import CHANNEL, body
from tests.support.console import ConsoleUnderTest, console_under_test, console_with_profile
from tests.support.ports import free_port
from tests.support.store_records import detection
from tidzam.store.writer import StoreWriter

API = "/api/v1/annotations"


def test_an_annotation_is_made_read_changed_and_deleted(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    made = client.post(API, json=body(low_hz=2000)).json()
    changed = client.patch(f"{API}/{made['id']}", json={"version": 1, "tag": "robin", "high_hz": 8000}).json()
    (read,) = client.get(API, params={"channel": CHANNEL}).json()["items"]
    assert read == changed
    assert {**made, "tag": "robin", "high_hz": 8000.0, "version": 2} == changed
    assert client.delete(f"{API}/{made['id']}", params={"version": 2}).status_code == 204
    assert client.get(API).json() == {"items": [], "next": None}


def test_an_annotation_says_who_made_it_and_how(console: ConsoleUnderTest) -> None:
    made = console.logged_in("annotator").post(API, json=body()).json()
    now = console.clock().isoformat().replace("+00:00", "Z")
    assert made == {
        "id": made["id"],
        "channel": CHANNEL,
        "start": "2026-05-01T04:30:00Z",
        "end": "2026-05-01T04:30:02Z",
        "low_hz": None,
        "high_hz": None,
        "tag": "wren",
        "author": "annotator",
        "created": now,
        "changed": now,
        "version": 1,
        "origin": "manual",
    }


def test_a_conflict_has_the_annotation_as_it_is(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    made = client.post(API, json=body()).json()
    changed = client.patch(f"{API}/{made['id']}", json={"version": 1, "tag": "robin"}).json()
    refused = client.patch(f"{API}/{made['id']}", json={"version": 1, "tag": "blackbird"})
    assert refused.status_code == 409
    assert refused.json()["error"] == {
        "code": "conflict",
        "message": "The annotation was changed meanwhile. Look at it, and change that version.",
        "field": None,
        "current": changed,
    }


def test_a_conflict_with_a_deletion_has_none(console: ConsoleUnderTest) -> None:
    refused = console.logged_in("annotator").delete(f"{API}/7", params={"version": 1})
    assert refused.status_code == 409
    assert refused.json()["error"]["current"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"channel": "pond"}, "channel"),
        ({"channel": "pond:out_0"}, "channel"),
        ({"end": "2026-05-01T04:30:00Z"}, "end"),
        ({"start": "2026-05-01T04:30:00"}, "start"),
        ({"low_hz": 9000, "high_hz": 100}, "low_hz"),
        ({"tag": "unknown"}, "tag"),
        ({"label": "wren"}, "label"),
    ],
)
def test_a_field_that_is_wrong_is_named(console: ConsoleUnderTest, wrong: dict[str, Any], field: str) -> None:
    refused = console.logged_in("annotator").post(API, json=body(**wrong))
    assert refused.status_code == 422
    assert refused.json()["error"]["field"] == field


def test_a_source_of_the_profile_can_be_annotated(tmp_path: Path) -> None:
    profile = {"sources": [{"name": "pond", "url": "http://127.0.0.1:9/pond.ogg"}]}
    with console_with_profile(tmp_path, profile) as console:
        made = console.logged_in("annotator").post(API, json=body(channel="pond:out_1"))
    assert made.json()["channel"] == "pond:out_1"


def test_counts_are_those_of_days_and_tags(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    for at_s, tag in ((0, "wren"), (10, "wren"), (86400, "robin")):
        client.post(API, json=body(at_s, tag=tag))
    counts = console.logged_in("viewer").get(f"{API}/counts", params={"channel": CHANNEL}).json()
    assert counts == {
        "days": [
            {"day": "2026-05-01", "tag": "wren", "annotations": 2},
            {"day": "2026-05-02", "tag": "robin", "annotations": 1},
        ],
        "tags": [{"tag": "wren", "annotations": 2}, {"tag": "robin", "annotations": 1}],
    }


def test_tags_are_made_renamed_and_removed(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    assert client.post("/api/v1/tags", json={"name": "wren"}).json() == {"name": "wren", "annotations": 0}
    client.post(API, json=body())
    renamed = client.patch("/api/v1/tags/wren", json={"name": "marsh wren"}).json()
    assert renamed == {"name": "marsh wren", "annotations": 1}
    assert client.get(API).json()["items"][0]["tag"] == "marsh wren"
    assert client.delete("/api/v1/tags/marsh wren").json()["error"]["code"] == "tag_in_use"
    client.post("/api/v1/tags", json={"name": "robin"})
    assert client.delete("/api/v1/tags/robin").status_code == 204
    assert [one["name"] for one in client.get("/api/v1/tags").json()] == ["marsh wren"]


def test_every_change_is_in_the_audit_log(console: ConsoleUnderTest) -> None:
    client = console.logged_in("annotator")
    number = client.post(API, json=body()).json()["id"]
    client.patch(f"{API}/{number}", json={"version": 1, "tag": "robin"})
    client.delete(f"{API}/{number}", params={"version": 2})
    client.patch("/api/v1/tags/wren", json={"name": "marsh wren"})
    client.delete("/api/v1/tags/marsh wren")
    entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    made = [one for one in entries[::-1] if one["action"] != "session.started"]
    assert [(one["actor"], one["action"], one["subject"]) for one in made] == [
        ("annotator", "annotation.added", str(number)),
        ("annotator", "annotation.changed", str(number)),
        ("annotator", "annotation.deleted", str(number)),
        ("annotator", "tag.renamed", "wren"),
        ("annotator", "tag.removed", "marsh wren"),
    ]
    assert made[1]["detail"] == {"tag": "wren → robin"}


def test_a_detection_becomes_an_annotation_in_one_step(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write([detection()])
    client = console.logged_in("annotator")
    (heard,) = client.get("/api/v1/detections").json()["detections"]
    made = client.post(f"/api/v1/detections/{heard['id']}/annotation", json={}).json()
    assert {name: made[name] for name in ("channel", "start", "end", "tag", "origin")} == {
        "channel": "pond:out_0",
        "start": heard["start"],
        "end": heard["end"],
        "tag": "wren",
        "origin": "detection",
    }


def test_a_detection_becomes_one_annotation_per_tag(console: ConsoleUnderTest) -> None:
    StoreWriter(console.store).write([detection()])
    client = console.logged_in("annotator")
    (heard,) = client.get("/api/v1/detections").json()["detections"]
    for tag in ("wren", "robin", "wren"):
        client.post(f"/api/v1/detections/{heard['id']}/annotation", json={"tag": tag})
    assert {one["name"]: one["annotations"] for one in client.get("/api/v1/tags").json()} == {"robin": 1, "wren": 1}


async def test_other_browsers_follow_at_once(tmp_path: Path) -> None:
    port = free_port()
    with console_under_test(tmp_path, port=port) as console:
        client = console.logged_in("annotator", base=f"http://127.0.0.1:{port}")
        async with serving(console, port) as url, browser(console) as http, http.get(f"{url}{EVENTS}") as response:
            lines = response.content
            while (await lines.readline()).strip() != b"event: live":
                pass
            made = client.post(API, json=body()).json()
            client.delete(f"{API}/{made['id']}", params={"version": 1})
            found: list[dict[str, Any]] = []
            while len(found) < 2:
                if (await lines.readline()).strip() == b"event: annotations":
                    found.append(json.loads((await lines.readline()).removeprefix(b"data: ")))
    assert found == [{"changed": [made], "deleted": []}, {"changed": [], "deleted": [made["id"]]}]
