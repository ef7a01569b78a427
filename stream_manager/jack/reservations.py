"""The JACK ports and clients that are reserved for the loaded sources."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.jack.capacity import (
    JackResources,
    SourceDemand,
    resources_in_use,
    server_resources,
    shortage,
    source_demand,
)
from stream_manager.jack.graph import JackGraph
from tidzam.naming import output_client, port_name
from tidzam.patterns import matches

SETTLE_S = 3.0
"""How long JACK may take to remove the ports of a source that was unloaded."""


class JackReservations:
    """Who will need how much of the server behind `graph`, which was started with `port_max`.

    A source keeps its reservation while it is loaded, also while it does not play. `captured` are the ports that an
    analyzer listens to: globs, or prefixes of names.
    """

    def __init__(self, graph: JackGraph, *, port_max: int, captured: Sequence[str] = ()) -> None:
        self._graph, self._captured = graph, tuple(captured)
        self.limit = server_resources(port_max)
        """What the server has for all clients that can be seen."""
        self._reserved: dict[str, SourceDemand] = {}

    @property
    def used(self) -> JackResources:
        """What is in use, by any client, or reserved."""
        return resources_in_use(self._graph.ports, tuple(self._reserved.values()))

    async def reserve(self, source: str, channels: int, suffixes: Sequence[str], *, is_device: bool = False) -> None:
        """Reserve what a source with outputs of these JACK `suffixes` takes, in place of what it had reserved.

        Raises PlaybackError (`jack_full`) with the numbers if the server has less; nothing is changed then.
        """
        captured = self._is_captured(source)
        await self._reserve(
            source, source_demand(source, channels, suffixes, is_captured=captured, is_device=is_device)
        )

    async def extend(self, source: str, suffix: str) -> None:
        """Reserve what another output takes, in addition to what its source has reserved, if it has. Raises as
        `reserve` does."""
        demand = self._reserved.get(source)
        if demand is not None and suffix:
            await self._reserve(source, replace(demand, clients=(*demand.clients, output_client(source, suffix))))

    async def _reserve(self, source: str, demand: SourceDemand) -> None:
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._graph.until(lambda graph: self._shortage(source, demand) is None)
        except TimeoutError:
            if problem := self._shortage(source, demand):
                raise PlaybackError(SourceFailure(SourceFault.JACK_FULL, problem)) from None
        self._reserved[source] = demand

    def release(self, source: str) -> None:
        """The source is unloaded."""
        self._reserved.pop(source, None)

    def _is_captured(self, source: str) -> bool:
        return bool(self._captured) and matches(port_name(source, 0), self._captured)

    def _shortage(self, source: str, demand: SourceDemand) -> str | None:
        others = [reserved for name, reserved in self._reserved.items() if name != source]
        used = resources_in_use(self._graph.ports, others, demand)
        return shortage(demand.resources, used, self.limit)
