"""Which sources are digitally silent, read from JACK's shared memory."""

from __future__ import annotations

from collections.abc import Iterable

import jack

from tidzam.naming import is_channel_port, source_of


class SilenceMeter:
    """Reads the port buffers of sources without taking part in JACK's graph: no port, no connection, no callback.

    The owner may write a buffer while it is read. That only mixes two cycles, and zeros remain zeros.
    """

    def __init__(self, client: jack.Client) -> None:
        self._client = client
        self._examined: set[str] = set()
        self._audible: set[str] = set()

    def examine(self, ports: Iterable[str]) -> None:
        """Examine the current cycle of the ports of sources that have been silent since `take_quiet`."""
        for port in ports:
            source = source_of(port)
            if source in self._audible or not is_channel_port(port):
                continue
            self._examined.add(source)
            if self._is_audible(port):
                self._audible.add(source)

    def take_quiet(self) -> frozenset[str]:
        """The sources on whose ports every examination since the last call found only samples of exactly zero."""
        quiet = frozenset(self._examined - self._audible)
        self._examined, self._audible = set(), set()
        return quiet

    def _is_audible(self, name: str) -> bool:
        try:
            port = self._client.get_port_by_name(name)
            # libjack finds the buffer of any output port; JACK-Client offers it only for a client's own ports.
            samples = bytes(jack.OwnPort(port._ptr, self._client).get_buffer())
        except jack.JackError:  # the port is gone
            return False
        return not is_zero(samples)


def is_zero(samples: bytes) -> bool:
    """Whether all 32-bit float samples are exactly zero, of either sign."""
    if samples.count(0) == len(samples):
        return True
    return not any(memoryview(samples).cast("f"))
