"""A JACK client that records one source: an input port a channel, each copied into its slot of the ring."""

from __future__ import annotations

from collections.abc import Callable

import jack

from analyzer.capture.priority import run_first
from analyzer.ring import RingWriter


class PortCapture:
    """Copies connected ports into a lane of the ring, cycle after cycle.

    One client a source: JACK calls a client only once all that feed it are done, so in a client of its own a source
    that hangs or dies keeps no other from being recorded. Without channels it waits for nobody: it is the clock.
    """

    def __init__(self, client: jack.Client, writer: RingWriter, on_gone: Callable[[], None]) -> None:
        """Starts at once. `on_gone` is called, in a thread of JACK's, when the server leaves."""
        self.client, self.writer = client, writer
        self._ports: dict[str, tuple[int, jack.OwnPort]] = {}
        self._spare: list[jack.OwnPort] = []
        self._inputs: tuple[tuple[int, jack.OwnPort], ...] = ()
        client.set_process_callback(self._process)
        client.set_shutdown_callback(lambda status, reason: on_gone())
        client.activate()
        run_first()

    def _process(self, frames: int) -> None:
        """JACK's callback, once a cycle, in JACK's thread.

        Fetches buffers, copies them to the ring, counts. It must not wait for anything: it takes no lock, logs
        nothing, and makes no other JACK call than for the cycle's frame time, before and after: if that changed in
        between, JACK has begun to write the next cycle into what was being copied.
        """
        writer, client = self.writer, self.client
        clock = client.last_frame_time
        start = writer.begin(clock, frames)
        for slot, port in self._inputs:
            writer.copy(slot, start, port.get_array())
        writer.commit(start, frames, torn=client.last_frame_time != clock)

    @property
    def channels(self) -> dict[str, bool]:
        """The ports recorded, and whether each is still connected."""
        return {name: port.number_of_connections > 0 for name, (_, port) in self._ports.items()}

    def open(self, name: str, slot: int) -> None:
        """Record the port `name` into `slot`. Raises jack.JackError, with nothing changed."""
        port = self._spare.pop() if self._spare else self.client.inports.register(f"in_{len(self._ports)}")
        try:
            port.connect(name)
        except jack.JackError:
            self._spare.append(port)
            raise
        self._ports[name] = slot, port
        self._inputs = tuple(self._ports.values())

    def close(self, name: str) -> None:
        """Stop recording a port that has gone. Its input port stays: the callback may be about to read it."""
        self._spare.append(self._ports.pop(name)[1])
        self._inputs = tuple(self._ports.values())

    def stop(self) -> None:
        """Leave JACK."""
        self.client.close()
