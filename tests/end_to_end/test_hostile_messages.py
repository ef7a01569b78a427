"""Whatever a client sends to a real stream manager, it gets one error for it, and no source is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile_messages import mutations
from tests.support.hostile_session import HostileSession, hostile_session
from tests.support.icecast import icecast_server
from tests.support.jack import jack_server
from tests.support.manager import Manager
from tidzam.errors import RequestError
from tidzam.protocol.examples.stream_manager import STREAM_MANAGER_REQUESTS
from tidzam.protocol.live_streams import parse_audio
from tidzam.protocol.stream_manager import parse_request

pytestmark = pytest.mark.timeout(120)

REQUESTS = [one.request for one in STREAM_MANAGER_REQUESTS if one.event == "sys"]
UNLIMITED = {"messages_per_s": 1e6, "bytes_per_s": 1e9}


AUDIO = [bytes(40), {"buffer": bytes(40), "samplerate": 44100, "storage": False}]
MESSAGES = st.tuples(st.sampled_from(["sys", "sys", "sis"]), mutations(REQUESTS)) | st.tuples(
    st.just("audio"), mutations(AUDIO)
)


def is_valid(event: str, data: Any) -> bool:
    """Whether the request is understood, so that it may have another effect than an error."""
    try:
        parse_audio(data) if event == "audio" else parse_request(data)
    except RequestError:
        return False
    return event != "sis"


def test_each_hostile_message_gets_one_error_and_leaves_nothing(tmp_path: Path) -> None:
    with jack_server(period=1024) as jack, icecast_server(tmp_path) as icecast:
        manager = Manager(tmp_path, jack, icecast, [], sections={"limits": UNLIMITED})

        @asynccontextmanager
        async def serving() -> AsyncIterator[str]:
            manager.until_well()
            yield manager.url

        try:
            with hostile_session(serving) as session:
                _send_generated(session)
                listed = session.answers("sys", {"sys": {"sources": ""}}, acknowledged=True)
                assert listed == [{"ok": True, "sys": {"sources": []}}]
            assert "Traceback" not in manager.log
        finally:
            manager.stop()


def _send_generated(session: HostileSession) -> None:
    @settings(max_examples=300)
    @given(MESSAGES, st.booleans())
    def send(sent: tuple[str, Any], acknowledged: bool) -> None:
        event, message = sent
        if not is_valid(event, message):
            session.expect_one_error(event, message, acknowledged=acknowledged)

    send()
