"""Which ports are a sound card's, and what is wrong without them."""

from __future__ import annotations

import pytest

from stream_manager.faults import PlaybackError, SourceFault
from stream_manager.media import PlayRequest
from stream_manager.players.sound_card import InputPlayer, capture_ports, copy_argv
from stream_manager.services import Services
from tests.support.services import SimulatedGraph, services
from tidzam.config import SourceSettings
from tidzam.config.inputs import InputSettings

PORTS = [f"system:capture_{number}" for number in range(1, 13)]


async def with_ports(*ports: str) -> Services:
    graph = SimulatedGraph()
    await graph.add(ports)
    return services(graph)


def request(*ports: str) -> PlayRequest:
    settings = SourceSettings(name="mic", input=InputSettings(ports=ports or None))
    return PlayRequest(settings, "")


def test_capture_ports_are_in_the_order_of_their_numbers() -> None:
    assert capture_ports([*reversed(PORTS), "system:playback_1", "pond:out_0", "system:capture_1x"]) == tuple(PORTS)


async def test_by_default_a_source_is_all_that_the_sound_card_captures() -> None:
    shared = await with_ports(*PORTS, "system:playback_1")
    media = await InputPlayer.inspect(request(), shared)
    assert (media.channels, media.rate_hz, media.duration_s, media.is_live) == (12, 44100, None, True)


async def test_named_ports_are_the_channels() -> None:
    media = await InputPlayer.inspect(request("system:capture_2"), await with_ports(*PORTS))
    assert media.channels == 1


@pytest.mark.parametrize(("ports", "detail"), [(("system:capture_13",), "system:capture_13"), ((), "captures nothing")])
async def test_a_missing_port_is_the_reason(ports: tuple[str, ...], detail: str) -> None:
    with pytest.raises(PlaybackError) as error:
        await InputPlayer.inspect(request(*ports), await with_ports("system:playback_1"))
    assert error.value.failure.fault is SourceFault.INPUT_MISSING
    assert detail in str(error.value)


def test_the_ports_follow_the_end_of_the_options() -> None:
    assert copy_argv("mic", ["system:capture_1"])[-3:] == ["--client=mic", "--", "system:capture_1"]
