"""Reservations of JACK ports by sources, on a simulated graph."""

from __future__ import annotations

import asyncio

import pytest

from stream_manager.faults import PlaybackError, SourceFault
from stream_manager.icecast.server import Icecast
from stream_manager.jack import reservations as jack_reservations
from stream_manager.jack.capacity_metrics import CapacityMetrics
from stream_manager.jack.reservations import JackReservations
from tests.support.services import SimulatedGraph
from tidzam.config.settings import IcecastSettings

pytestmark = pytest.mark.timeout(20)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jack_reservations, "SETTLE_S", 0.05)


def reservations(port_max: int, graph: SimulatedGraph | None = None, *captured: str) -> JackReservations:
    return JackReservations(graph or SimulatedGraph(), port_max=port_max, captured=captured)


async def refused(one: JackReservations, source: str, channels: int) -> PlaybackError:
    with pytest.raises(PlaybackError) as caught:
        await one.reserve(source, channels, ("ice",))
    assert caught.value.failure.fault is SourceFault.JACK_FULL
    return caught.value


async def test_a_source_that_does_not_fit_is_refused_with_the_numbers() -> None:
    one = reservations(64)
    await one.reserve("pond", 20, ("ice",))
    problem = await refused(one, "lake", 12)
    assert "takes 24 ports and 2 clients; 40 of 63 ports and 2 of 250 clients are in use" in str(problem)


async def test_a_source_that_is_unloaded_makes_room() -> None:
    one = reservations(64)
    await one.reserve("pond", 20, ("ice",))
    one.release("pond")
    await one.reserve("lake", 30, ("ice",))


async def test_a_source_that_is_refused_keeps_what_it_had() -> None:
    one = reservations(64)
    await one.reserve("pond", 20, ("ice",))
    await refused(one, "pond", 40)
    await refused(one, "lake", 12)


async def test_another_output_is_reserved_in_addition() -> None:
    one = reservations(64)
    await one.reserve("pond", 20, ("ice",))
    await one.extend("pond", "rec")
    assert (one.used.ports, one.used.clients) == (60, 3)


async def test_another_output_that_does_not_fit_is_refused() -> None:
    one = reservations(64)
    await one.reserve("pond", 30, ("ice",))
    with pytest.raises(PlaybackError):
        await one.extend("pond", "rec")
    assert one.used.ports == 60


async def test_another_number_of_channels_replaces_a_reservation() -> None:
    one = reservations(64)
    await one.reserve("pond", 20, ("ice",))
    await one.reserve("pond", 30, ("ice",))


async def test_ports_that_disappear_in_time_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jack_reservations, "SETTLE_S", 10)
    graph = SimulatedGraph()
    ports = [f"other:{number}" for number in range(60)]
    await graph.add(ports)
    one = reservations(64, graph)
    reserving = asyncio.create_task(one.reserve("pond", 20, ("ice",)))
    await asyncio.sleep(0)
    assert not reserving.done()
    await graph.remove(ports)
    await reserving


async def test_the_metrics_show_what_is_reserved_and_what_there_is() -> None:
    one = reservations(64)
    await one.reserve("pond", 20, ("ice",))
    families = CapacityMetrics(one, Icecast(IcecastSettings(), "", "")).collect()
    found = {family.name: family.samples[0].value for family in families}
    assert (found["tidzam_jack_ports"], found["tidzam_jack_ports_limit"]) == (40, 63)
    assert (found["tidzam_jack_clients"], found["tidzam_jack_clients_limit"]) == (2, 250)


async def test_a_port_that_the_analyzer_captures_counts_for_its_client() -> None:
    await refused(reservations(64, None, "*:out_*"), "pond", 22)
    await reservations(64, None, "lake").reserve("pond", 22, ("ice",))
