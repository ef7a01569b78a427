"""Whether JACK has room for a source: what it takes, what is in use, and what the server allows. Pure.

A channel takes one port in the source's own JACK client, one in the client of each output, and one in the client by
which the analyzer captures the source. The server reserves both the ports and the clients when it starts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tidzam.naming import capture_client, output_client, source_of

JACKD_CLIENTS = 256
"""How many clients a jackd2 of Debian and Ubuntu holds: it is fixed when jackd is built."""
UNSEEN_CLIENTS = 6
"""Clients that have no ports: jackd's freewheel driver, the stream manager's own, the analyzer's clock, the watchdog's
probe, for a moment also the probe that replaces it, and one of a command such as `tidzam status`."""
UNUSABLE_PORTS = 1
"""jackd never gives away port 0."""


@dataclass(frozen=True)
class JackResources:
    """A number of JACK ports and of JACK clients."""

    ports: int = 0
    clients: int = 0

    def __add__(self, other: JackResources) -> JackResources:
        return JackResources(self.ports + other.ports, self.clients + other.clients)

    def fits(self, limit: JackResources) -> bool:
        """Whether neither number exceeds that of `limit`."""
        return self.ports <= limit.ports and self.clients <= limit.clients


def server_resources(port_max: int) -> JackResources:
    """What all clients of a jackd that was started with `--port-max port_max` share."""
    return JackResources(port_max - UNUSABLE_PORTS, JACKD_CLIENTS - UNSEEN_CLIENTS)


@dataclass(frozen=True)
class SourceDemand:
    """What one source takes: `channels` ports in each of its JACK `clients`; the first is that of its player.

    `inputs` are ports that the player has in addition, as one that copies the ports of a sound card does.
    """

    channels: int
    clients: tuple[str, ...]
    inputs: int = 0

    @property
    def resources(self) -> JackResources:
        if not self.channels:
            return JackResources()
        return JackResources(self.channels * len(self.clients) + self.inputs, len(self.clients))


def source_demand(
    source: str, channels: int, suffixes: Sequence[str], *, is_captured: bool, is_device: bool = False
) -> SourceDemand:
    """The demand of a source with outputs of these `suffixes`; one that the analyzer listens to `is_captured`.

    The player of a sound card (`is_device`) has an input per channel, too.
    """
    outputs = (output_client(source, suffix) for suffix in suffixes if suffix)
    clients = (source, *outputs, *((capture_client(source),) if is_captured else ()))
    return SourceDemand(channels, clients, inputs=channels if is_device else 0)


def resources_in_use(
    ports: Iterable[str], others: Collection[SourceDemand], wanted: SourceDemand | None = None
) -> JackResources:
    """What is in use or reserved beside the source that is `wanted`: by the `others`, and by other clients.

    `ports` are all that exist at present. Those of a reserved source count as reserved, whether they exist or not: it
    will come back. Those of the wanted source do not count.
    """
    known = {name for demand in (*others, *((wanted,) if wanted else ())) for name in demand.clients}
    foreign = [port for port in ports if source_of(port) not in known]
    total = JackResources(len(foreign), len(set(map(source_of, foreign))))
    return sum((demand.resources for demand in others), total)


def shortage(demand: JackResources, used: JackResources, limit: JackResources) -> str | None:
    """What JACK lacks for `demand` beside what is `used`, with the numbers; None if there is room."""
    if (used + demand).fits(limit):
        return None
    return (
        f"it takes {demand.ports} ports and {demand.clients} clients; "
        f"{used.ports} of {limit.ports} ports and {used.clients} of {limit.clients} clients are in use"
    )
