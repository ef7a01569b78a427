"""What `stream_manager.outputs.base.Output` promises, of every built-in output."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from stream_manager.outputs.base import Output
from stream_manager.outputs.registry import OUTPUTS, OutputType
from tests.stream_manager.jack_support import following
from tests.support.eventually import eventually_async
from tests.support.icecast import PASSWORD, icecast_server
from tests.support.jack import jack_server
from tests.support.player import playing
from tests.support.services import services, source_settings
from tidzam.config import SourceSettings
from tidzam.naming import output_client

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=OUTPUTS.built_in)
def output_type(request: pytest.FixtureRequest) -> OutputType:
    found: OutputType = OUTPUTS.load(request.param)
    return found


def test_the_jack_suffix_is_one_word(output_type: OutputType) -> None:
    assert re.fullmatch(r"[a-z0-9]*", output_type.jack_suffix)


@pytest.fixture
def source(tmp_path: Path) -> SourceSettings:
    """A source with the settings that the outputs need."""
    return source_settings(record={"path": tmp_path / "recordings", "format": "wav", "length_s": 1})


async def test_an_idle_output_has_sent_nothing_and_reports_faults(
    output_type: OutputType, source: SourceSettings
) -> None:
    output = output_type(source, 2, services())
    assert output.sent_bytes == 0
    assert all(fault.code and fault.message.endswith(".") for fault in output.faults())
    assert len(output.addresses) in (0, 2)


async def test_a_cancelled_output_ends_even_without_jack(output_type: OutputType, source: SourceSettings) -> None:
    shared = services()
    shared.graph.rate_hz = None
    before = asyncio.all_tasks()
    running = asyncio.create_task(output_type(source, 2, shared).run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert asyncio.all_tasks() == before


async def test_an_output_delivers_and_leaves_no_client_when_cancelled(
    output_type: OutputType, source: SourceSettings, tmp_path: Path
) -> None:
    with jack_server() as jack, icecast_server(tmp_path) as icecast, playing(jack, "pond", 440.0, 880.0):
        async with following(jack, output_suffixes=(output_type.jack_suffix,)) as graph:
            shared = services(graph, icecast=icecast.settings, password=PASSWORD, env=jack.env)
            polling = asyncio.create_task(shared.icecast.watch())
            output = output_type(source, 2, shared)
            running = asyncio.create_task(output.run())
            await delivered(output)
            running.cancel()
            await asyncio.wait([running])
            client = output_client("pond", output_type.jack_suffix)
            await graph.until(lambda g: not g.has_client(client))
            polling.cancel()
            await asyncio.wait([polling])


async def delivered(output: Output) -> None:
    """Wait until the output has delivered something and is well."""
    await eventually_async(lambda: not (output.faults() or not output.sent_bytes))
