"""What other nodes forward: uploads by tus, what is refused, and what an account of a node may do."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from console.accounts.visitor import Visitor
from console.services.forwarding.places import forwarded_folder
from console.services.forwarding.plausible import NewNames
from console.services.forwarding.records import ForwardedRecords
from console.services.forwarding.uploads import Upload, UploadShelf
from console.web.errors import status_of
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.forward_sink import NODE
from tests.support.forwarding import node_token
from tests.support.store_records import detection
from tidzam.config import Settings
from tidzam.config.console import ConsoleSettings
from tidzam.config.forwarded import ForwardedSettings
from tidzam.errors import RequestError
from tidzam.forwarding import decode_metadata, encode_metadata
from tidzam.store.records import encode
from tidzam.store.tables.places import NodeRow

CLIPS = "/api/v1/forward/clips"
NAME = "birds-wren/pond-out_0_2026-05-01-06-30-00.000.flac"
CONTENT = bytes(range(256)) * 8
SHA256 = hashlib.sha256(CONTENT).hexdigest()
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass(frozen=True)
class ForwardingNode:
    """A node with an account of its own, and its client."""

    name: str
    client: TestClient
    folder: Path

    def create(self, *, length: int = len(CONTENT), **metadata: str) -> Any:
        """The response to the creation of an upload."""
        values = {"filename": NAME, "sha256": SHA256, **metadata}
        headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": encode_metadata(values)}
        return self.client.post(CLIPS, headers=headers)

    def begin(self) -> str:
        """The address of a new upload."""
        location: str = self.create().headers["Location"]
        return location

    def send(self, location: str, offset: int, part: bytes, **headers: str) -> Any:
        """The response to a part."""
        return self.client.patch(location, content=part, headers={**PART, "Upload-Offset": str(offset), **headers})

    def offset(self, location: str) -> int:
        return int(self.client.head(location, headers=TUS).headers["Upload-Offset"])

    def arrived(self) -> list[str]:
        """The clips that have arrived."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleUnderTest]:
    with console_with_profile(tmp_path_factory.mktemp("hub"), {"node": {"name": "hub"}}) as console:
        yield console


_numbers = count(1)


def as_node(hub: ConsoleUnderTest, name: str | None = None) -> ForwardingNode:
    name = name or f"node-{next(_numbers)}"
    client = hub.client()
    client.headers["Authorization"] = f"Bearer {node_token(hub, name)}"
    return ForwardingNode(name, client, forwarded_folder(hub.runtime.settings) / name)


@pytest.fixture
def node(hub: ConsoleUnderTest) -> ForwardingNode:
    return as_node(hub)


def test_a_clip_is_uploaded_in_parts(node: ForwardingNode) -> None:
    location = node.begin()
    assert node.send(location, 0, CONTENT[:1000]).headers["Upload-Offset"] == "1000"
    assert (node.offset(location), node.arrived()) == (1000, [])
    assert node.send(location, 1000, CONTENT[1000:]).status_code == 204
    assert node.arrived() == [NAME]
    assert (node.folder / NAME).read_bytes() == CONTENT


def test_the_same_content_is_the_same_upload_also_when_it_is_complete(node: ForwardingNode) -> None:
    first = node.begin()
    node.send(first, 0, CONTENT[:1000])
    again = node.create()
    assert (again.headers["Location"], again.headers["Upload-Offset"]) == (first, "1000")
    node.send(first, 1000, CONTENT[1000:])
    assert node.create().headers["Upload-Offset"] == str(len(CONTENT))


def test_a_clip_that_has_arrived_is_recognized_without_its_upload(node: ForwardingNode) -> None:
    location = node.begin()
    node.send(location, 0, CONTENT)
    assert node.client.delete(location, headers=TUS).status_code == 204
    assert node.client.head(location, headers=TUS).status_code == 404
    assert node.create().headers["Upload-Offset"] == str(len(CONTENT))
    assert node.arrived() == [NAME]


def test_a_part_at_another_place_is_refused(node: ForwardingNode) -> None:
    location = node.begin()
    node.send(location, 0, CONTENT[:1000])
    refused = node.send(location, 500, CONTENT[500:])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "upload_offset")
    assert refused.headers["Tus-Resumable"] == "1.0.0"
    assert node.offset(location) == 1000


def test_what_is_not_what_was_sent_is_deleted(node: ForwardingNode) -> None:
    location = node.begin()
    refused = node.send(location, 0, CONTENT[::-1])
    assert (refused.status_code, refused.json()["error"]["code"]) == (460, "clip_damaged")
    assert (node.offset(location), node.arrived()) == (0, [])


@pytest.mark.parametrize(
    ("digest_of", "status", "expected"), [(CONTENT[:100], 204, 100), (b"else", 460, 0)], ids=["right", "wrong"]
)
def test_a_part_with_a_checksum_is_kept_if_it_is_right(
    node: ForwardingNode, digest_of: bytes, status: int, expected: int
) -> None:
    location = node.begin()
    checksum = base64.b64encode(hashlib.sha1(digest_of).digest()).decode()
    sent = node.send(location, 0, CONTENT[:100], **{"Upload-Checksum": f"sha1 {checksum}"})
    assert (sent.status_code, node.offset(location)) == (status, expected)


def test_more_than_was_announced_is_refused(node: ForwardingNode) -> None:
    location = node.begin()
    assert node.send(location, 0, CONTENT + b"more").status_code == 422
    assert node.arrived() == []


@pytest.mark.parametrize(
    "name", ["../../profile.yaml", "/etc/x.wav", ".uploads/a.wav", "a/../b.wav", "a.exe", "a\\b.wav", "a\0.wav", ""]
)
def test_a_clip_cannot_be_put_elsewhere(node: ForwardingNode, name: str) -> None:
    assert node.create(filename=name).status_code == 422
    assert node.arrived() == []


@pytest.mark.parametrize("name", ["meadow", "hub", "..", "a/b"])
def test_a_clip_of_another_node_is_refused(node: ForwardingNode, name: str) -> None:
    assert node.create(node=name).status_code in (403, 422)
    assert not (node.folder.parent / name / "birds-wren").exists()


def test_an_upload_is_not_known_to_another_node(hub: ConsoleUnderTest, node: ForwardingNode) -> None:
    location = node.begin()
    other = as_node(hub)
    assert other.client.head(location, headers=TUS).status_code == 404
    assert other.send(location, 0, CONTENT).status_code == 404
    assert other.client.delete(location, headers=TUS).status_code == 404


def test_the_account_of_this_nodes_name_may_not_forward(hub: ConsoleUnderTest) -> None:
    refused = as_node(hub, "hub").client.post("/api/v1/forward/records", content=encode(detection(1, node="hub")))
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forward_node")


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        ({"clip_mb": 0.001}, 413, "clip_too_large"),
        ({"gigabytes": 1e-6}, 507, "forward_full"),
        ({"free_gigabytes": 1e9}, 507, "forward_full"),
        ({"uploads": 1}, 429, "too_many_uploads"),
        ({"gigabytes": 3e-5, "clip_mb": 0.003}, 429, "too_many_uploads"),
    ],
)
def test_uploads_are_limited(tmp_path: Path, limits: dict[str, float], status: int, code: str) -> None:
    settings = ConsoleSettings(forwarded=ForwardedSettings.model_validate(limits))
    shelf = UploadShelf(Settings(home=tmp_path, console=settings))
    if code == "too_many_uploads":
        shelf.create(Upload.of(NODE, "a/first.wav", len(CONTENT), SHA256))
    with pytest.raises(RequestError) as refused:
        shelf.create(Upload.of(NODE, NAME, len(CONTENT), SHA256))
    assert (status_of(refused.value), refused.value.code) == (status, code)


def test_an_upload_without_progress_expires(tmp_path: Path) -> None:
    now = [0.0]
    shelf = UploadShelf(Settings(home=tmp_path), clock=lambda: now[0])
    begun = shelf.create(Upload.of(NODE, NAME, 10, SHA256))
    shelf.part(begun).write_bytes(b"12345")
    for path in shelf.part(begun).parent.iterdir():
        os.utime(path, (0, 0))
    now[0] = 169 * 3600.0
    shelf.create(Upload.of(NODE, "a/other.wav", 10, SHA256))
    assert not shelf.part(begun).exists()


def test_a_console_that_was_killed_between_two_steps_knows_that_a_clip_is_complete(tmp_path: Path) -> None:
    shelf = UploadShelf(Settings(home=tmp_path))
    begun = shelf.create(Upload.of(NODE, NAME, len(CONTENT), SHA256))
    target = shelf.target(begun)
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT)
    assert shelf.find(NODE, begun.id).is_complete


def test_another_node_may_still_upload_when_one_has_reserved_its_share(tmp_path: Path) -> None:
    settings = ConsoleSettings(forwarded=ForwardedSettings(gigabytes=3e-5, clip_mb=0.003))
    shelf = UploadShelf(Settings(home=tmp_path, console=settings))
    shelf.create(Upload.of(NODE, NAME, len(CONTENT), SHA256))
    assert shelf.create(Upload.of("meadow", NAME, len(CONTENT), SHA256)).offset == 0


@pytest.mark.parametrize("asked", ["create", "head"])
def test_a_clip_of_which_all_has_arrived_is_finished_when_its_upload_is_asked_for(
    node: ForwardingNode, asked: str
) -> None:
    location = node.begin()
    node.folder.write_bytes(b"in the way")
    failed = node.send(location, 0, CONTENT)
    assert (failed.status_code, failed.json()["error"]["code"]) == (507, "forward_full")
    again = node.create() if asked == "create" else node.client.head(location, headers=TUS)
    assert again.status_code == 507
    node.folder.unlink()
    again = node.create() if asked == "create" else node.client.head(location, headers=TUS)
    assert again.headers["Upload-Offset"] == str(len(CONTENT))
    assert (node.folder / NAME).read_bytes() == CONTENT


def test_what_has_arrived_before_a_kill_but_is_damaged_is_sent_from_the_beginning(tmp_path: Path) -> None:
    shelf = UploadShelf(Settings(home=tmp_path))
    wanted = Upload.of(NODE, NAME, len(CONTENT), SHA256)
    shelf.part(shelf.create(wanted)).write_bytes(CONTENT[::-1])
    assert (shelf.create(wanted).offset, shelf.part(wanted).exists()) == (0, False)


def test_a_clip_is_not_replaced_by_another_one_of_its_name(node: ForwardingNode) -> None:
    unknown, known = node.create(sha256="").headers["Location"], node.begin()
    node.send(known, 0, CONTENT)
    late = node.send(unknown, 0, CONTENT[::-1])
    early = node.create(sha256=hashlib.sha256(b"12345").hexdigest(), length=5)
    for refused in (late, early):
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "clip_exists")
    assert (node.folder / NAME).read_bytes() == CONTENT
    assert node.client.head(unknown, headers=TUS).status_code == 404


async def test_another_node_does_not_interrupt_an_upload(hub: ConsoleUnderTest, node: ForwardingNode) -> None:
    location, turns = node.begin(), hub.runtime.upload_turns
    async with turns.taken(location.rpartition("/")[2]) as lost:
        assert as_node(hub).client.head(location, headers=TUS).status_code == 404
        assert not lost.is_set()


def test_options_say_what_uploads_may_be_like(node: ForwardingNode) -> None:
    said = node.client.options(CLIPS).headers
    assert (said["Tus-Version"], said["Tus-Max-Size"]) == ("1.0.0", "64000000")
    assert "creation" in said["Tus-Extension"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Tus-Resumable": "0.2.0"}, 412), ({"Content-Type": "audio/flac"}, 415), ({"Upload-Offset": "x"}, 422)],
)
def test_a_part_of_another_protocol_is_refused(node: ForwardingNode, headers: dict[str, str], status: int) -> None:
    location = node.begin()
    assert node.send(location, 0, CONTENT, **headers).status_code == status


def record(node: str, number: int, **values: Any) -> str:
    return encode(detection(number, node=node, id=f"{node}/{number}", **values))


def test_records_that_cannot_be_stored_are_named(node: ForwardingNode) -> None:
    one = partial(record, node.name)
    lines = [one(1), "nonsense", one(2, clip="../x.flac"), one(3)]
    taken = node.client.post("/api/v1/forward/records", content="\n".join(lines)).json()
    assert (taken["stored"], [one["line"] for one in taken["refused"]]) == (2, [1, 2])


def taken(node: ForwardingNode, *lines: str) -> tuple[int, dict[int, str]]:
    """How many lines are stored, and why the others are not."""
    answer = node.client.post("/api/v1/forward/records", content="\n".join(lines)).json()
    return answer["stored"], {one["line"]: one["reason"] for one in answer["refused"]}


def test_of_records_of_two_nodes_those_of_the_account_are_stored(node: ForwardingNode) -> None:
    stored, refused = taken(node, record("meadow", 1), record(node.name, 2), record("..", 3))
    assert (stored, refused[0], [*refused]) == (1, "it is of the node meadow", [0, 2])


def test_of_a_test_it_is_only_said_what_would_be_refused(hub: ConsoleUnderTest, node: ForwardingNode) -> None:
    lines = [record(node.name, 1), "nonsense", record(node.name, 2, peak_probability=2.0)]
    answer = node.client.post("/api/v1/forward/records?test=true", content="\n".join(lines)).json()
    assert (answer["stored"], [one["line"] for one in answer["refused"]]) == (0, [1, 2])
    with hub.store.read() as session:
        assert session.scalars(select(NodeRow.name).where(NodeRow.name == node.name)).all() == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"peak_probability": 5.0}, "probability"),
        ({"mean_probability": -0.1}, "probability"),
        ({"end": detection(1).start - timedelta(seconds=1)}, "ends before it begins"),
        ({"start": datetime(1, 1, 1, tzinfo=UTC)}, "before the year 2000"),
        ({"end": datetime(9999, 1, 1, tzinfo=UTC)}, "more than a day after now"),
        ({"windows": 2**70}, "number of windows"),
        ({"level_dbfs": 1e9}, "level"),
        ({"path": ("a",) * 17}, "more than 16 levels"),
        ({"source": "x" * 201}, "more than 200 characters"),
        ({"model": "a\0b"}, "cannot be printed"),
        ({"channel": ""}, "empty"),
        ({"channels": ({"channel": "x" * 20_000},)}, "too long"),
    ],
)
def test_what_cannot_have_been_heard_is_refused(node: ForwardingNode, values: dict[str, Any], reason: str) -> None:
    stored, refused = taken(node, record(node.name, 1, **values), record(node.name, 2))
    assert stored == 1
    assert reason in refused[0]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_refused(node: ForwardingNode, number: str) -> None:
    line = record(node.name, 1, peak_probability=0.625, channels=({"level_dbfs": 0.125},))
    stored, refused = taken(node, line.replace("0.625", number), line.replace("0.125", number))
    assert (stored, [*refused]) == (0, [0, 1])
    assert all("sql" not in reason.lower() for reason in refused.values())


def test_a_node_brings_a_bounded_number_of_classes_and_channels(hub: ConsoleUnderTest) -> None:
    def refused(*lines: str) -> list[tuple[int, str]]:
        body = "\n".join(lines).encode()
        return [(one.line, one.reason) for one in reception.take(visitor, body, is_gzip=False).refused]

    names = NewNames(hub.store, most_channels=2, most_classes=3)
    reception = ForwardedRecords(hub.runtime.settings, hub.store, names=names)
    visitor, one = (
        Visitor(permissions=frozenset(), address="", name="bounded"),
        partial(record, "bounded", path=("b1",)),
    )
    assert refused(one(1), one(2, path=("b1", "b2"))) == []
    assert refused(one(3, path=("b3", "b4")), one(4, path=("b5",))) == [
        (0, "the node has brought 3 classes, and b4 is another one")
    ]
    assert refused(one(6, channel="pond:out_1"), one(7, channel="pond:out_2")) == [
        (1, "the node has 2 channels here already, and pond:out_2 is another one")
    ]


@pytest.mark.parametrize("body", [b"\x1f\x8b nonsense", b"not gzip"])
def test_a_body_that_is_not_what_it_says_is_refused(node: ForwardingNode, body: bytes) -> None:
    refused = node.client.post("/api/v1/forward/records", content=body, headers={"Content-Encoding": "gzip"})
    assert refused.json()["error"]["code"] == "request"


def test_a_small_body_that_becomes_too_large_is_refused(node: ForwardingNode) -> None:
    bomb = gzip.compress(b"0" * 20_000_000)
    refused = node.client.post("/api/v1/forward/records", content=bomb, headers={"Content-Encoding": "gzip"})
    assert "more than 8,000,000 bytes" in refused.json()["error"]["message"]


def test_the_sound_of_a_forwarded_detection_is_never_that_of_this_node(
    hub: ConsoleUnderTest, node: ForwardingNode
) -> None:
    node.client.post("/api/v1/forward/records", content=record(node.name, 1, clip=NAME))
    (stored,) = hub.logged_in("viewer").get("/api/v1/detections?limit=1").json()["detections"]
    heard = hub.logged_in("viewer").get(f"/api/v1/detections/{stored['id']}/sound")
    assert (heard.status_code, heard.json()["error"]["code"]) == (404, "no_recording")


def test_metadata_is_read_as_it_was_written() -> None:
    assert decode_metadata(encode_metadata({"filename": "ä b.wav", "node": "garden"})) == {
        "filename": "ä b.wav",
        "node": "garden",
    }
