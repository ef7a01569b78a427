"""Which ports belong together. Pure: ports and connections in, connections to make out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tidzam.naming import icecast_client

Connection = tuple[str, str]

_CHANNEL = re.compile(r"^(?P<source>[A-Za-z0-9_.-]{1,64}):out_(?P<channel>\d+)$")


def missing_connections(ports: Iterable[str], connected: Iterable[Connection]) -> tuple[Connection, ...]:
    """From each channel of a source to the input of its ffmpeg, where both are there and nothing joins them yet.

    Ports that are not a source's are left to whoever made them.
    """
    present = set(ports)
    wanted = ((port, feed_of(port)) for port in sorted(present))
    have = set(connected)
    return tuple((port, feed) for port, feed in wanted if feed in present and (port, feed) not in have)


def feed_of(port: str) -> str | None:
    """The ffmpeg port that takes a channel to its mount: `pond:out_0` goes to `pond-ice:input_1`."""
    match = _CHANNEL.match(port)
    return f"{icecast_client(match['source'])}:input_{int(match['channel']) + 1}" if match else None
