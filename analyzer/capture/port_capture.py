"""A JACK client that captures one source: one input port per channel, each copied into its slot of the ring."""

from __future__ import annotations

from collections.abc import Callable

import jack

from tidzam.jack.reader import JackReader
from tidzam.jack.ring import RingWriter


class PortCapture:
    """Copies connected ports into a lane of the ring in every cycle.

    There is one client per source: JACK calls a client only after all clients that feed it, so that a source that hangs
    or dies delays no other. A client without channels waits for no source: it is the clock.
    """

    def __init__(self, client: jack.Client, writer: RingWriter, on_gone: Callable[[], None]) -> None:
        """Start immediately. `on_gone` is called in a JACK thread when the server shuts down."""
        self.client, self.writer = client, writer
        self._ports: dict[str, tuple[int, jack.OwnPort]] = {}
        self._spare: list[jack.OwnPort] = []
        self._reader = JackReader(client, writer, on_gone)

    @property
    def channels(self) -> dict[str, bool]:
        """The captured ports, and whether each is still connected."""
        return {name: port.number_of_connections > 0 for name, (_, port) in self._ports.items()}

    def open(self, name: str, slot: int) -> None:
        """Capture the port `name` into `slot`. Raises jack.JackError, with nothing changed."""
        port = self._spare.pop() if self._spare else self.client.inports.register(f"in_{len(self._ports)}")
        try:
            port.connect(name)
        except jack.JackError:
            self._spare.append(port)
            raise
        self._ports[name] = slot, port
        self._reader.inputs = tuple(self._ports.values())

    def close(self, name: str) -> None:
        """Stop capturing a port that has disappeared. Its input port stays: the callback may be about to read it."""
        self._spare.append(self._ports.pop(name)[1])
        self._reader.inputs = tuple(self._ports.values())

    def end(self) -> None:
        """Capture nothing from the next cycle on. Returns immediately."""
        self._reader.end()

    def stop(self) -> None:
        """Close the JACK client."""
        self._reader.close()
