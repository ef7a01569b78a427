"""The state of the node from the reports of its programs: which may be away, faulty or of another version."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.services.node_monitor import NodeMonitor
from console.services.node_state import Answer, NodeView, ProgramCondition, node_view
from tests.support.console import AWAY
from tests.support.console_server import REFUSED, analyzer_health, manager_health, source
from tests.support.ports import free_port
from tidzam.server import Access, Server

NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
TOKEN = "a-token-of-twenty-letters"


def answer(health: object) -> Answer:
    return Answer.model_validate(health, from_attributes=True)


MANAGER, ANALYZER = answer(manager_health()), answer(analyzer_health())


def view(manager: Answer | None = MANAGER, analyzer: Answer | None = ANALYZER) -> NodeView:
    return node_view("marsh", manager, analyzer, now=NOW)


def conditions(seen: NodeView) -> list[ProgramCondition]:
    return [program.state for program in seen.programs]


def test_programs_report_whether_they_work() -> None:
    assert conditions(view()) == [ProgramCondition.FAULTY, ProgramCondition.WELL]
    assert not view().is_well
    well = MANAGER.model_copy(update={"ok": True, "reasons": ()})
    assert view(manager=well).is_well


def test_a_program_that_is_away_is_named_with_what_to_do() -> None:
    seen = view(None, None)
    assert conditions(seen) == [ProgramCondition.AWAY, ProgramCondition.AWAY]
    assert seen.programs[1].reasons == ("The analyzer does not answer. See `tidzam status`.",)


def test_names_that_are_not_utf_8_are_escaped_so_that_json_can_have_them() -> None:
    """As those of files are that a mixer of 1998 has named."""
    named = source("wetland", 1, url="/recordings/\udce9tang.wav")
    seen = view(MANAGER.model_copy(update={"detail": {**MANAGER.detail, "sources": [named]}}))
    assert "/recordings/\\\\udce9tang.wav" in seen.model_dump_json()


def test_without_the_stream_manager_no_sources_are_claimed() -> None:
    assert view(manager=None).sources == ()


def test_without_the_analyzer_it_is_unknown_what_is_analyzed() -> None:
    seen = view(analyzer=None)
    assert {channel.is_analyzed for channel in seen.sources[0].channels} == {None}
    assert (seen.windows_per_s, seen.lag_s, seen.classifiers) == (None, None, ())


def test_channels_have_their_levels_and_whether_they_are_analyzed() -> None:
    channels = view().sources[0].channels
    assert [(channel.name, channel.level_dbfs, channel.is_analyzed) for channel in channels] == [
        ("0", -24.0, True),
        ("1", -33.0, True),
        ("2", -42.0, True),
        ("3", -51.0, False),
    ]


def test_a_source_that_fails_says_why_and_one_that_recovered_does_not() -> None:
    playing = {**source("creek", 1), "last_error": "It was away."}
    manager = MANAGER.model_copy(
        update={"detail": {**MANAGER.detail, "sources": [playing, source("pond", 1, **REFUSED)]}}
    )
    assert [one.last_error for one in view(manager=manager).sources] == [None, REFUSED["last_error"]]


@pytest.mark.parametrize("detail", [{}, {"jack": True, "icecast": True, "rate_hz": 44100, "unheard_of": 1}])
def test_a_report_that_is_not_understood_is_a_fault_and_not_an_error(detail: dict[str, object]) -> None:
    seen = view(manager=Answer(ok=True, detail=detail))
    assert conditions(seen)[0] is ProgramCondition.FAULTY
    assert "in another version" in seen.programs[0].reasons[0]


def server(port: int, access: Access | None = None) -> Server:
    return Server("program", host="127.0.0.1", port=port, health=analyzer_health, messages={}, access=access)


def monitor(port: int, token: str | None = None) -> NodeMonitor:
    return NodeMonitor("marsh", manager=AWAY, analyzer=f"http://127.0.0.1:{port}", token=token, now=lambda: NOW)


async def test_the_monitor_asks_the_programs() -> None:
    port = free_port()
    async with server(port):
        asked = monitor(port)
        await asked.refresh()
    assert conditions(asked.view) == [ProgramCondition.AWAY, ProgramCondition.WELL]


async def test_the_monitor_presents_the_token_of_the_node() -> None:
    port, access = free_port(), Access(listen="token", token=TOKEN)
    async with server(port, access):
        for token, expected in ((None, ProgramCondition.FAULTY), (TOKEN, ProgramCondition.WELL)):
            asked = monitor(port, token)
            await asked.refresh()
            assert conditions(asked.view)[1] is expected


async def test_what_is_no_report_counts_as_away() -> None:
    async with server(port := free_port()):
        asked = NodeMonitor("marsh", manager=AWAY, analyzer=f"http://127.0.0.1:{port}/x", token=None, now=lambda: NOW)
        await asked.refresh()
    assert conditions(asked.view)[1] is ProgramCondition.AWAY
