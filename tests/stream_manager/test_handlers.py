"""Whatever a client sends is understood, or refused with a reason."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream_manager.channel_selection import selected_channels
from stream_manager.handlers import RequestHandler, source_settings
from stream_manager.live.storage import LiveStorage
from stream_manager.live.streams import LiveStreams
from stream_manager.network.media_url import resolve_media
from stream_manager.source_probe import SourceProbes
from stream_manager.sources import Sources
from tests.support.services import SimulatedGraph, services
from tests.support.services import source_settings as profile_source
from tests.support.store_reports import CollectingReporter
from tidzam.accounts.client_audit import ClientAudit
from tidzam.config import SourceSettings
from tidzam.errors import RequestError
from tidzam.protocol.source_requests import LoadSource
from tidzam.protocol.stream_manager import parse_request
from tidzam.server.access import ANONYMOUS, Client, Identity
from tidzam.store.records import AuditRecord

NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)
"""With lone surrogates, which JSON can carry and UTF-8 cannot."""
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4), max_leaves=12
)
FIELDS = st.sampled_from(
    ["name", "url", "database", "date", "channels", "is_permanent", "loop", "format", "storage", "\ud800"]
)
NAMES = st.sampled_from(["pond", "-ice", "a" * 64, "", "pond\n", "\ud800"])
CHANNELS = st.sampled_from(
    ["0,1", "9" * 5000, ["9" * 5000], 10**5000, "\u0661", "\u00b2", [-1], [0.5], "1," * 3000, [], ""]
)
URLS = st.sampled_from(["a.wav", "\0", "a" * 2048, "http://[", "http://\ud800/", "loop", "//", "~x", "http://h:99999"])
CONTENTS = st.dictionaries(FIELDS, VALUES, max_size=5) | st.fixed_dictionaries(
    {"name": NAMES, "url": URLS | VALUES}, optional={"channels": CHANNELS | VALUES, "loop": VALUES, "date": VALUES}
)
COMMANDS = st.sampled_from(
    ["loadsource", "record", "unloadsource", "sources", "database", "add_livestream", "", "\ud800"]
)
REQUESTS = st.dictionaries(COMMANDS | ANY_TEXT, CONTENTS | VALUES, max_size=2)
MESSAGES = REQUESTS | REQUESTS.map(lambda request: {"sys": request}) | VALUES


@pytest.fixture(scope="module")
def media_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("media")
    (root / "loop").symlink_to(root / "loop")
    return root


@given(MESSAGES)
@example({"sys": {"loadsource": {"name": "pond", "url": "a.wav", "channels": "9" * 5000}}})
@example({"sys": {"loadsource": {"name": "pond", "url": "\ud800"}}})
@example({"sys": {"loadsource": {"name": "\ud800", "url": "a"}}})
@example({"\ud800" * 3000: 1})
@example({"sys": {"loadsource": {"name": [10**5000], "url": {"a": -(10**5000)}, "date": 10**5000}}})
@example(10**5000)
def test_any_message_is_either_parsed_or_refused_as_bad_input(media_root: Path, message: Any) -> None:
    try:
        request = parse_request(message)
        if isinstance(request, LoadSource):
            settings = source_settings(request, now=NOW)
            selected_channels(settings.channels)
            resolve_media(settings.url or "", [media_root], trusted=False)
    except RequestError as error:
        answer = json.dumps(error.as_wire())
        assert len(answer) < 2500
        str(error).encode()


@pytest.mark.parametrize(
    "channels",
    ["9" * 5000, "256", "out_256", "-1", "a b", "", [], ["0", "9" * 200], [0.5], [True], {"0": 1}, "\u00b2", "\u0661"],
)
def test_what_is_neither_a_channel_number_in_range_nor_a_possible_name_is_bad_input(channels: Any) -> None:
    with pytest.raises(RequestError, match="channel") as caught:
        parse_request({"sys": {"loadsource": {"name": "pond", "url": "a.wav", "channels": channels}}})
    assert (caught.value.field or "").startswith("channels")


@pytest.mark.parametrize("channels", ["0, 2,1", [0, 2, 1], ["0", "2", "1"]])
def test_channels_keep_their_order_in_every_notation(channels: Any) -> None:
    request = parse_request({"loadsource": {"name": "pond", "url": "a.wav", "channels": channels}})
    assert isinstance(request, LoadSource)
    assert selected_channels(request.channels) == (0, 2, 1)


@pytest.mark.parametrize("path", ["a" * 300, "\0", "a\0b", "\ud800", "loop", "loop/x"])
@pytest.mark.parametrize("trusted", [True, False])
def test_an_impossible_path_is_bad_input(media_root: Path, path: str, trusted: bool) -> None:
    try:
        resolve_media(path, [media_root], trusted=trusted)
    except RequestError as error:
        assert error.field == "url"
    else:
        assert trusted  # a path of the profile is opened later, and reported then


def loaded(**fields: Any) -> SourceSettings:
    request = parse_request({"sys": {"loadsource": {"name": "pond", **fields}}})
    assert isinstance(request, LoadSource)
    return source_settings(request, now=NOW)


def test_a_date_in_the_past_replays_recordings() -> None:
    settings = loaded(database="lake", date="2026-05-01-06-29-59")
    assert (settings.database, settings.date, settings.url) == ("lake", NOW - timedelta(seconds=1), None)


def test_without_a_database_the_recordings_are_those_of_the_source_itself() -> None:
    assert loaded(url="a.wav", date="2020-01-01-00-00-00").database == "pond"


def test_a_date_in_the_future_plays_the_live_address() -> None:
    settings = loaded(url="a.wav", database="lake", date="2026-05-01-06-30-01")
    assert (settings.database, settings.date, settings.url) == (None, None, "a.wav")


def test_a_date_in_the_future_without_an_address_plays_that_of_the_database() -> None:
    settings = loaded(database="lake", date="2026-05-01-06-30-01")
    assert (settings.database, settings.date, settings.url) == ("lake", None, None)


async def test_a_client_that_leaves_during_its_request_is_its_author(tmp_path: Path) -> None:
    graph = SimulatedGraph()
    await graph.lose_server()  # so that nothing plays
    shared, reporter = services(graph, outputs=(), live_ports=0), CollectingReporter(tmp_path)
    present = {"a": Client("a", "192.0.2.7", Identity("", frozenset(), has_token=True), frozenset())}

    class SourcesOfALeaver(Sources):
        async def unload(self, name: str) -> None:
            present.clear()
            await super().unload(name)

    async with asyncio.TaskGroup() as tasks:
        sources = SourcesOfALeaver(shared, tasks, shared.settings)
        await sources.load_permanent([profile_source("pond")], ())
        handler = RequestHandler(
            sources,
            LiveStreams(shared, {}, LiveStorage(None, file_format="flac", max_gb=1)),
            shared.databases,
            SourceProbes(shared),
            lambda sid: present.get(sid, Client(sid, "", ANONYMOUS, frozenset())),
            ClientAudit(reporter),
        )
        await handler.sys("a", {"sys": {"unloadsource": {"name": "pond"}}})
    (row,) = reporter.records
    assert isinstance(row, AuditRecord)
    assert (row.actor, row.address, row.action) == ("client with the token", "192.0.2.7", "source.removed")
