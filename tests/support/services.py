"""The services of a stream manager whose JACK graph is set by the test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stream_manager.icecast.server import Icecast
from stream_manager.jack.graph import JackGraph
from stream_manager.jack.openings import ClientOpenings
from stream_manager.jack.reservations import JackReservations
from stream_manager.media import PlayRequest
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.services import Services
from tidzam.config.settings import IcecastSettings, Settings, StreamManagerSettings
from tidzam.config.sources import SourceSettings
from tidzam.gaps import GapLedger
from tidzam.protocol.source_status import SourceState, SourceStatus


class SimulatedGraph(JackGraph):
    """A JACK server that runs at 44100 Hz; no process stands behind it."""

    def __init__(self) -> None:
        super().__init__("none", expected_rate_hz=44100)
        self.rate_hz = 44100

    async def add(self, ports: Iterable[str]) -> None:
        await self._set(self.rate_hz, self.ports | set(ports))

    async def remove(self, ports: Iterable[str]) -> None:
        await self._set(self.rate_hz, self.ports - set(ports))

    async def lose_server(self) -> None:
        await self._set(None, frozenset())


def source_settings(name: str = "pond", **settings: Any) -> SourceSettings:
    return SourceSettings(name=name, **({"url": "/pond.wav"} | settings))


def play_request(
    url: str = "/pond.wav", channels: tuple[int, ...] | None = None, *, name: str = "pond", loop: bool = False
) -> PlayRequest:
    return PlayRequest(source_settings(name, url=url, loop=loop), url, channels)


def services(
    graph: JackGraph | None = None,
    *,
    icecast: IcecastSettings | None = None,
    password: str = "secret",
    env: dict[str, str] | None = None,
    port_max: int = 2048,
    gaps: GapLedger | None = None,
    **settings: Any,
) -> Services:
    """`port_max` is that of the JACK server, `settings` are those of the stream manager."""
    graph = graph or SimulatedGraph()
    return Services(
        graph=graph,
        openings=ClientOpenings(graph),
        reservations=JackReservations(graph, port_max=port_max),
        icecast=Icecast(icecast or IcecastSettings(), password, "other"),
        env=env or {},
        settings=StreamManagerSettings(**settings),
        allowed_addresses=AllowedAddresses.of(Settings()),
        gaps=gaps or GapLedger(None, writer="test"),
    )


def source_status(name: str = "pond", state: SourceState = SourceState.PLAYING, **changes: Any) -> SourceStatus:
    row = {"name": name, "state": state, "is_permanent": True, "url": "pond.flac", "channels": 1, "ports": ()}
    row |= {"mounts": (), "restarts": 0, "last_error": None, "started": None, "bytes": 0, "gaps": 0}
    return SourceStatus.model_validate(row | changes)
