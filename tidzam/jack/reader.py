"""A JACK client that copies blocks of samples from its input ports into a ring."""

from __future__ import annotations

from collections.abc import Callable

import jack

from tidzam.jack.callback_end import CallbackEnd
from tidzam.jack.priority import run_first
from tidzam.jack.ring import RingWriter


class JackReader:
    """Copies input ports of the JACK client `client` into a lane of a ring in every cycle, as far as `inputs` says.

    `inputs` are pairs of a slot of the ring and the port that is copied into it; it may be replaced at any time. Ports
    stay registered when they are no longer copied: the callback may be about to read them.
    """

    def __init__(self, client: jack.Client, writer: RingWriter, on_gone: Callable[[], None]) -> None:
        """Start immediately. `on_gone` is called in a JACK thread when the server shuts down."""
        self.client, self.writer = client, writer
        self.inputs: tuple[tuple[int, jack.OwnPort], ...] = ()
        self._end = CallbackEnd()
        client.set_process_callback(self._process)
        client.set_shutdown_callback(lambda status, reason: on_gone())
        client.activate()
        run_first()

    def _process(self, frames: int) -> None:
        """JACK's callback, called once per cycle in JACK's thread.

        Fetches buffers, copies them to the ring, and counts. It must not block: no locks, no logging, and no JACK calls
        except for the cycle's frame time before and after. If that changed in between, JACK has started to write the
        next cycle into the buffers that were being copied.
        """
        if self._end.is_wanted:
            self._end.confirm()
            return
        writer, client = self.writer, self.client
        clock = client.last_frame_time
        start = writer.begin(clock, frames)
        for slot, port in self.inputs:
            writer.copy(slot, start, port.get_array())
        writer.commit(start, frames, torn=client.last_frame_time != clock)

    def end(self) -> None:
        """Copy nothing from the next cycle on. Returns immediately."""
        self._end.want()

    def close(self) -> None:
        """Close the client. May wait forever for a server that hangs."""
        self._end.reach()
        self.client.close()
