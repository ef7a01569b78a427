"""Annotations as files: exported, imported again, and named by recordings for training."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from console.services.annotations.sections import annotated_sections
from tests.support.annotations import CHANNEL, DAWN, body
from tests.support.console import ConsoleUnderTest, console_under_test, console_with_profile
from tests.support.recordings import RATE_HZ, START, write_recording
from trainer.openset.annotations import read_annotations

API = "/api/v1/annotations"
SAID = [
    body(0, tag="wren", low_hz=2000, high_hz=8000.5),
    body(0.123456, tag="=1+1"),
    body(7200, tag="Turdus merula, Amsel", low_hz=1000),
]
SECONDS = {"channel": CHANNEL, "origin": DAWN.isoformat()}


@pytest.fixture
def annotator(console: ConsoleUnderTest) -> TestClient:
    return console.logged_in("annotator")


def fill(client: TestClient) -> list[dict[str, Any]]:
    return [client.post(API, json=one).json() for one in SAID]


def exported(client: TestClient, name: str, **query: Any) -> bytes:
    response = client.get(f"{API}/export", params={"format": name, **SECONDS, **query})
    assert response.status_code == 200
    return response.content


def imported(client: TestClient, name: str, raw: bytes, **query: Any) -> Any:
    return client.post(f"{API}/import", params={"format": name, **SECONDS, **query}, content=raw)


def said(client: TestClient) -> list[dict[str, Any]]:
    fields = ("channel", "start", "end", "low_hz", "high_hz", "tag")
    return [{field: one[field] for field in fields} for one in client.get(API).json()["items"]]


@pytest.mark.parametrize("name", ["csv", "raven", "audacity"])
def test_what_is_exported_can_be_imported_elsewhere(
    console: ConsoleUnderTest, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    annotator = console.logged_in("annotator")
    fill(annotator)
    raw = exported(annotator, name)
    with console_under_test(tmp_path_factory.mktemp("elsewhere")) as elsewhere:
        other = elsewhere.logged_in("annotator")
        assert imported(other, name, raw).json() == {"added": 3, "duplicates": 0}
        assert said(other) == said(annotator)
        assert {one["origin"] for one in other.get(API).json()["items"]} == {"import"}


@pytest.mark.parametrize("name", ["csv", "raven", "audacity"])
def test_what_is_there_already_is_not_added_again(annotator: TestClient, name: str) -> None:
    fill(annotator)
    assert imported(annotator, name, exported(annotator, name)).json() == {"added": 0, "duplicates": 3}


def test_a_selection_that_raven_lists_for_two_views_is_added_once(annotator: TestClient) -> None:
    annotator.post(API, json=SAID[0])
    header, row = exported(annotator, "raven").decode().splitlines()
    table = "\n".join([header, row.replace("Spectrogram", "Waveform"), row]).replace("wren", "robin")
    assert imported(annotator, "raven", table.encode()).json() == {"added": 1, "duplicates": 1}


def test_a_file_with_a_line_that_is_wrong_adds_nothing(annotator: TestClient) -> None:
    refused = imported(annotator, "csv", b"start,end,tag\n1,2,wren\n3,2,wren\n")
    assert refused.status_code == 422
    assert refused.json()["error"] == {
        "code": "annotation_file",
        "message": "Line 3 of the file cannot be used: end: it is not after start. Expected a later time. "
        "Nothing was added.",
        "field": None,
    }
    assert said(annotator) == []
    assert annotator.get("/api/v1/tags").json() == []


def test_a_channel_that_is_wrong_is_named_with_its_line(annotator: TestClient) -> None:
    refused = imported(annotator, "csv", f"channel,start,end,tag\n{CHANNEL},1,2,wren\nmoor:out_0,1,2,wren\n".encode())
    assert refused.json()["error"]["message"].startswith("Line 3 of the file cannot be used: channel: 'moor:out_0'")


def test_lines_without_a_channel_need_one(annotator: TestClient) -> None:
    query = {"format": "csv", "origin": DAWN.isoformat()}
    refused = annotator.post(f"{API}/import", params=query, content=b"start,end,tag\n1,2,wren\n")
    assert refused.json()["error"]["message"].startswith("Line 2 of the file names no channel.")


@pytest.mark.parametrize(("missing", "field"), [("channel", "channel"), ("origin", "origin")])
def test_raven_needs_a_channel_and_a_beginning(annotator: TestClient, missing: str, field: str) -> None:
    query = {"format": "raven", **{name: value for name, value in SECONDS.items() if name != missing}}
    refused = annotator.get(f"{API}/export", params=query)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, field)


def test_an_import_is_in_the_audit_log(console: ConsoleUnderTest, annotator: TestClient) -> None:
    imported(annotator, "csv", b"start,end,tag\n1,2,wren\n1,2,wren\n")
    entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    (entry,) = (one for one in entries if one["action"] == "annotations.imported")
    assert entry["subject"] == CHANNEL
    assert entry["detail"] == {"added": "1", "duplicates": "1", "format": "csv"}


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    """A console whose source `pond` has two recordings of two channels, a second each, that follow one another."""
    for begin_s in (0, 1):
        write_recording(tmp_path / "recordings", np.zeros((RATE_HZ, 2), np.float32), begin_s, suffix="flac")
    profile = {"sources": [{"name": "pond", "url": "pond.wav", "record": {"path": tmp_path / "recordings"}}]}
    with console_with_profile(tmp_path, profile) as console:
        client = console.logged_in("annotator")
        for at_s, tag in ((0.25, "wren"), (0.75, "robin"), (900.0, "blackbird")):
            start = START + timedelta(seconds=at_s)
            times = {"start": start.isoformat(), "end": (start + timedelta(seconds=0.5)).isoformat()}
            client.post(API, json={"channel": "pond:out_1", "tag": tag, **times})
        yield console


def test_an_annotation_across_files_is_a_section_of_each(recorded: ConsoleUnderTest) -> None:
    sections = annotated_sections(recorded.store, recorded.runtime.settings)
    assert [(one.path.stem[-2:], one.start_s, one.end_s, one.tag, one.channel) for one in sections] == [
        ("00", 0.25, 0.75, "wren", 1),
        ("00", 0.75, 1.0, "robin", 1),
        ("01", 0.0, 0.25, "robin", 1),
    ]


def test_a_table_that_names_files_is_read_by_the_trainer(recorded: ConsoleUnderTest, tmp_path: Path) -> None:
    table = tmp_path / "annotations.csv"
    query: dict[str, Any] = {"format": "csv", "files": True}
    table.write_bytes(recorded.logged_in("viewer").get(f"{API}/export", params=query).content)
    assert [(one.path, one.start_s, one.end_s, one.tag, one.channel) for one in read_annotations(table)] == [
        (one.path, one.start_s, one.end_s, one.tag, one.channel)
        for one in annotated_sections(recorded.store, recorded.runtime.settings)
    ]
