"""Whatever a client sends to the analyzer's server, it gets one error for it, and nothing else changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.sinks.socketio import SocketIoSink
from tests.support.batches import LABELS
from tests.support.hostile_messages import mutations
from tests.support.hostile_session import HostileSession, hostile_session
from tests.support.ports import free_port
from tidzam.config.settings import LimitSettings
from tidzam.errors import RequestError
from tidzam.protocol.analyzer import MESSAGES, AnalyzerHealth, Subscribe
from tidzam.protocol.classifiers import parse_classifier_request
from tidzam.protocol.examples.analyzer import ANALYZER_REQUESTS
from tidzam.protocol.messages import parse
from tidzam.server import Health, Server

pytestmark = pytest.mark.timeout(120)

REQUESTS = {event: [one.request for one in ANALYZER_REQUESTS if one.event == event] for event in ("sys", "subscribe")}


def no_health() -> AnalyzerHealth:
    raise AssertionError("not asked for")


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    port, limits = free_port(), LimitSettings(messages_per_s=1e6, bytes_per_s=1e9)
    server = Server(
        "analyzer", host="127.0.0.1", port=port, health=lambda: Health(True), messages=MESSAGES, limits=limits
    )
    SocketIoSink(server, node="garden", classifiers=("selector", "birds"), labels=LABELS, health=no_health)
    async with server:
        yield f"http://127.0.0.1:{port}"


def is_valid(event: str, data: Any) -> bool:
    try:
        parse_classifier_request(data) if event == "sys" else parse(Subscribe, data)
    except RequestError:
        return False
    return True


def test_each_hostile_message_gets_one_error() -> None:
    with hostile_session(serving) as session:
        _send_generated(session)
        assert session.answers("sys", {"classifier": {"list": ""}}, acknowledged=True) == [
            {"ok": True, "sys": {"classifier": {"list": ["selector", "birds"]}}}
        ]


def _send_generated(session: HostileSession) -> None:
    @settings(max_examples=300)
    @given(st.sampled_from(["sys", "subscribe", "analyses"]), st.booleans(), st.data())
    def send(event: str, acknowledged: bool, data: st.DataObject) -> None:
        message = data.draw(mutations(REQUESTS.get(event, REQUESTS["sys"])))
        if not is_valid(event, message) or event not in REQUESTS:
            session.expect_one_error(event, message, acknowledged=acknowledged)

    send()
