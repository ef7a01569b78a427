"""Which JACK ports belong together. Pure: ports and connections in, connections to make out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tidzam.naming import output_port

Connection = tuple[str, str]

_CHANNEL = re.compile(r"^(?P<source>[A-Za-z0-9_.-]{1,64}):out_(?P<channel>\d+)$")


def possible_connections(ports: Iterable[str], suffixes: Sequence[str]) -> Iterator[Connection]:
    """From each channel of a source to its input of each output, where both exist.

    `suffixes` are those of the outputs' JACK clients.
    """
    present = set(ports)
    for port in sorted(present):
        match = _CHANNEL.match(port)
        if match is None:
            continue
        for suffix in suffixes:
            target = output_port(match["source"], suffix, int(match["channel"]))
            if target in present:
                yield port, target


def missing_connections(
    ports: Iterable[str], suffixes: Sequence[str], connected: Iterable[Connection]
) -> tuple[Connection, ...]:
    """The `possible_connections` that are not among `connected`. Ports of other clients are left alone."""
    existing = set(connected)
    return tuple(pair for pair in possible_connections(ports, suffixes) if pair not in existing)
