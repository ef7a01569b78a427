"""Microphones over the REST API: audio goes on unchanged, in order, and only for those who began it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.services.microphones import MOST_BYTES, MOST_EACH
from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.console_server import manager_health
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tidzam.protocol.live_streams import AUDIO_EVENT, parse_audio
from tidzam.server import Server

MICROPHONES = "/api/v1/microphones"
RATE_HZ = 8000


@dataclass
class Receiver:
    """What a stream manager has received, and how many clients it has."""

    received: bytearray = field(default_factory=bytearray)
    clients: set[str] = field(default_factory=set)

    async def sys(self, sid: str, data: Any) -> dict[str, Any]:
        assert data == {"sys": {"add_livestream": ""}}
        self.clients.add(sid)
        return {"sys": {"portname": "tidzam-livestreams:out_0", "mounts": [], "rate_hz": 44100}}

    async def audio(self, sid: str, data: Any) -> None:
        self.received += parse_audio(data).buffer

    async def left(self, sid: str) -> None:
        self.clients.discard(sid)


@contextmanager
def receiving(receiver: Receiver) -> Iterator[str]:
    """The address of a server that takes live streams."""
    port, started, stop = free_port(), threading.Event(), threading.Event()

    async def serve() -> None:
        server = Server("manager", host="127.0.0.1", port=port, health=manager_health, messages={})
        server.on("sys", receiver.sys)
        server.on(AUDIO_EVENT, receiver.audio)
        server.on_disconnect(receiver.left)
        async with server:
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        eventually(started.is_set, what="the server listens")
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        thread.join(timeout=20)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def console(tmp_path: Path, receiver: Receiver) -> Iterator[ConsoleUnderTest]:
    with receiving(receiver) as url, console_with_profile(tmp_path, {}, manager=url) as console:
        yield console


@pytest.fixture
def client(console: ConsoleUnderTest) -> Iterator[TestClient]:
    """A manager, in one event loop for all requests."""
    with console.logged_in("manager") as client:
        yield client


def begun(client: TestClient) -> str:
    return str(client.post(MICROPHONES, json={"rate_hz": RATE_HZ}).json()["id"])


def sent(client: TestClient, number: str, pcm: bytes) -> Any:
    headers = {"Content-Type": "application/octet-stream"}
    return client.post(f"{MICROPHONES}/{number}/audio", content=pcm, headers=headers)


def test_audio_goes_on_unchanged_and_in_order(client: TestClient, receiver: Receiver) -> None:
    pcm = bytes(number % 251 for number in range(2 * RATE_HZ))
    state = sent(client, begun(client), pcm).json()
    assert bytes(receiver.received) == pcm
    assert state["received_s"] == 1.0


def test_the_stream_ends_when_it_is_asked_to(client: TestClient, receiver: Receiver) -> None:
    number = begun(client)
    assert len(receiver.clients) == 1
    assert client.delete(f"{MICROPHONES}/{number}").status_code == 204
    eventually(lambda: not receiver.clients, what="the connection ends")
    assert sent(client, number, b"\0\0").status_code == 404


def test_nobody_sends_to_the_microphone_of_somebody_else(client: TestClient, console: ConsoleUnderTest) -> None:
    number = begun(client)
    assert sent(console.logged_in("admin"), number, b"\0\0").status_code == 404


@pytest.mark.parametrize("pcm", [b"\0", b"\0" * (MOST_BYTES + 2)])
def test_what_is_no_audio_or_too_much_is_refused(client: TestClient, pcm: bytes) -> None:
    assert sent(client, begun(client), pcm).status_code == 422


def test_a_visitor_has_few_microphones_at_a_time(client: TestClient) -> None:
    for _ in range(MOST_EACH):
        begun(client)
    assert client.post(MICROPHONES, json={"rate_hz": RATE_HZ}).status_code == 429


def test_without_a_stream_manager_there_is_no_stream(tmp_path: Path) -> None:
    with console_with_profile(tmp_path, {}) as console:
        refused = console.logged_in("manager").post(MICROPHONES, json={"rate_hz": RATE_HZ})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "stream_manager_away")


def test_its_begin_and_its_end_are_in_the_audit_log(client: TestClient, console: ConsoleUnderTest) -> None:
    number = begun(client)
    client.delete(f"{MICROPHONES}/{number}")
    entries = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    found = [(one["actor"], one["action"]) for one in entries if one["action"].startswith("microphone.")]
    assert found == [("manager", "microphone.ended"), ("manager", "microphone.started")]
