"""The requests SampleExtractionRules, by a real client of a real server, and the clips that follow from them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from analyzer.clips.rules import RULES_FILE, read_requested, rule_for
from analyzer.extraction_requests import ExtractionRequests
from analyzer.sinks.base import SinkContext
from analyzer.sinks.clips import ClipSink
from tests.support.batches import LABELS, Batches
from tests.support.ports import free_port
from tests.support.wire_clients import WireClient, python_client
from tidzam.config.clips import ClipRule
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import TidzamError
from tidzam.protocol.analyzer import MESSAGES
from tidzam.protocol.extraction import ExtractionRule
from tidzam.server import Access, Health, Server

pytestmark = pytest.mark.timeout(30)

EVENT = "SampleExtractionRules"
ALL = ClipRule(rate=1.0)


def sink_of(folder: Path) -> ClipSink:
    return ClipSink(ClipSinkSettings(folder=folder, rules=(ALL,)), SinkContext(node="garden", labels=LABELS))


@asynccontextmanager
async def client_of(*sinks: ClipSink, access: Access | None = None) -> AsyncIterator[WireClient]:
    port = free_port()
    server = Server(
        "analyzer", host="127.0.0.1", port=port, health=lambda: Health(True), messages=MESSAGES, access=access
    )
    ExtractionRequests(server, sinks, lambda: LABELS)
    async with server, python_client(f"http://127.0.0.1:{port}") as client:
        yield client


async def test_rules_that_are_set_are_returned(tmp_path: Path) -> None:
    rules = {"pond": {"rate": "auto"}, "lake": {"rate": "0.5", "classes": "birds-,frogs", "length_s": 6, "pre_s": 2}}
    async with client_of(sink_of(tmp_path)) as client:
        await client.emit(EVENT, {"set": "rules", "rules": rules})
        await client.received(EVENT)
        await client.emit(EVENT, {"get": "rules"})
        found = (await client.received(EVENT))["rules"]
    others = {"pre_s": 0.0, "object_filter": False, "dst": ""}
    assert found == {
        "pond": {"rate": "auto", "classes": ["*"], **others},
        "lake": {"rate": 0.5, "classes": ["birds-", "frogs"], "length_s": 6.0, **others, "pre_s": 2.0},
    }


async def test_rules_take_effect_at_once(tmp_path: Path) -> None:
    sink, batches = sink_of(tmp_path), Batches()
    await sink.open()
    async with client_of(sink) as client:
        await client.call(EVENT, {"set": "rules", "rules": {"pond:out_0": {"rate": 0}}})
        await sink.deliver(batches.batch(0, pond_0="birds", pond_1="frogs"))
        await sink.close()
    assert sink.counts == {"frogs": 1}


async def test_rules_are_kept_across_restarts(tmp_path: Path) -> None:
    async with client_of(sink_of(tmp_path)) as client:
        await client.call(EVENT, {"set": "rules", "rules": {"pond": {"rate": 0}}})
    again = sink_of(tmp_path)
    await again.open()
    await again.deliver(Batches().batch(0, pond_0="birds", lake_0="frogs"))
    await again.close()
    assert again.counts == {"frogs": 1}


async def test_the_number_of_clips_of_every_class(tmp_path: Path) -> None:
    sink = sink_of(tmp_path)
    await sink.open()
    await sink.deliver(Batches().batch(0, pond_0="birds", pond_1="birds"))
    await sink.close()
    async with client_of(sink) as client:
        await client.emit(EVENT, {"get": "database_info"})
        assert await client.received(EVENT) == {
            "database_info": {"birds": 2, "birds-wren": 0, "frogs": 0, "unknown": 0}
        }


async def test_without_clips_rules_cannot_be_set() -> None:
    async with client_of() as client:
        refused = await client.call(EVENT, {"set": "rules", "rules": {}})
        assert refused["error"]["code"] == "no_clips"


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"get": "rule"}, "get"),
        ({"set": "rules", "rules": {"pond": {"rate": 2}}}, "rules.pond.rate"),
        ({"set": "rules", "rules": {"pond": {"length": 2}}}, "rules.pond.length"),
        ({"set": "rules", "rules": {"pond": {"pre_s": 11}}}, "rules.pond.pre_s"),
        ({"set": "rules", "rules": {"pond": {"dst": "../up"}}}, "rules.pond.dst"),
        ({"set": "rules"}, None),
        ({"get": "rules", "rules": {}}, None),
        ({"set": "rules", "rules": {"*" * 100 + str(n): {} for n in range(20)}}, "rules"),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(
    request_: dict[str, object], field: str | None, tmp_path: Path
) -> None:
    async with client_of(sink_of(tmp_path)) as client:
        refused = await client.call(EVENT, request_)
    error = refused["error"]
    assert (error["code"], error["field"]) == ("request", field)


async def test_getting_needs_less_than_setting(tmp_path: Path) -> None:
    access = Access(manage="token", token="secret")
    async with client_of(sink_of(tmp_path), access=access) as client:
        assert (await client.call(EVENT, {"get": "rules"}))["ok"]
        refused = await client.call(EVENT, {"set": "rules", "rules": {}})
    assert refused["error"]["code"] == "unauthorized"


@pytest.mark.parametrize(
    ("channel", "rate"),
    [("pond:out_0", 0.1), ("pond:out_1", 0.2), ("lake:out_0", 0.3), ("lake:out_1", 0.4), ("sea:out_0", 1.0)],
)
def test_the_most_specific_key_decides(channel: str, rate: float) -> None:
    rates = {"l*": 0.4, "lake-out_0": 0.3, "pond": 0.2, "pond:out_0": 0.1}
    requested = {key: ExtractionRule(rate=value) for key, value in rates.items()}
    found = rule_for(channel, "birds", requested=requested, configured=[ALL])
    assert found is not None
    assert found.rate == rate


def test_on_a_channel_with_requested_rules_the_settings_do_not_count() -> None:
    requested = {"pond": ExtractionRule(classes=("frogs",))}
    assert rule_for("pond:out_0", "birds", requested=requested, configured=[ALL]) is None


def test_a_damaged_file_of_rules_is_named(tmp_path: Path) -> None:
    (tmp_path / RULES_FILE).write_text('{"pond": ')
    with pytest.raises(TidzamError, match=r"\.extraction-rules\.json cannot be read.*Repair or delete"):
        read_requested(tmp_path)
