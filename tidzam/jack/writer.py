"""A JACK client that plays blocks of samples on its output ports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import jack
import numpy as np

from tidzam.jack.callback_end import CallbackEnd
from tidzam.types import Float32

_LET_GO_S = 0.5
"""How long a cycle that still uses a port may take; a stalled server runs none."""
_POLL_S = 0.002

Fill = Callable[[int, Float32], None]
"""Called with the first frame of a JACK cycle and an array of shape (channels, frames), float32, which it must fill.

It is called in JACK's real-time thread: it must return within a fraction of the cycle and should neither wait, allocate
memory, log nor call JACK. The frame counter has 32 bits and wraps around.
"""


class JackWriter:
    """Ports `out_0` to `out_(channels - 1)` of the JACK client `client`, filled by `fill` in each cycle.

    With `open_ports` False there are no ports until `open_port`. As a context manager it is active while the context is
    open, and closes the client afterwards. The first exception of `fill` is kept in `error`, and raised when the
    context ends; silence is played from then on.

    >>> with JackWriter(jack.Client("tone"), 1, fill):  # doctest: +SKIP
    ...     time.sleep(10)
    """

    def __init__(self, client: jack.Client, channels: int, fill: Fill, *, open_ports: bool = True) -> None:
        self._client, self._fill = client, fill
        self._ports: Mapping[int, jack.OwnPort] = {}
        """Replaced as a whole: the callback may be using it."""
        self._silent: dict[int, bool] = {}
        """Channels that `silence` was called for, and whether it has been played since. Replaced as a whole, too."""
        self._cycles = 0
        self._end = CallbackEnd()
        self._block = np.zeros((channels, client.blocksize), np.float32)
        self.frame = 0
        """The first frame of the cycle that was played last."""
        self.error: Exception | None = None
        client.set_process_callback(self._process)
        client.set_blocksize_callback(self._resize)
        for channel in range(channels if open_ports else 0):
            self.open_port(channel)

    def open_port(self, channel: int) -> None:
        """Register the port of `channel`. Raises jack.JackError if the server has none left."""
        self._ports = {**self._ports, channel: self._client.outports.register(f"out_{channel}")}

    def silence(self, channel: int) -> None:
        """Play silence on the port of `channel`, whatever `fill` does."""
        if channel not in self._silent:
            self._silent = {**self._silent, channel: False}

    def is_silent(self, channel: int) -> bool:
        """Whether silence has been played on the port of `channel` since `silence`."""
        return self._silent.get(channel, False)

    def close_port(self, channel: int) -> None:
        """Remove the port of `channel`, once the callback no longer uses it.

        Until then JACK repeats what was played last: call `silence` before.
        """
        port = self._ports[channel]
        self._ports = {other: kept for other, kept in self._ports.items() if other != channel}
        unused_from, deadline_s = self._cycles + 1, time.monotonic() + _LET_GO_S
        while self._cycles < unused_from and time.monotonic() < deadline_s:
            time.sleep(_POLL_S)
        self._silent = {other: kept for other, kept in self._silent.items() if other != channel}
        port.unregister()

    def _process(self, frames: int) -> None:
        if self._end.is_wanted:
            self._play_silence()
            self._end.confirm()
            return
        frame = self._client.last_frame_time
        if self.error is None:
            try:
                self._fill(frame, self._block)
            except Exception as error:  # noqa: BLE001  in a callback, it would be printed and forgotten
                self.error = error
                self._block[:] = 0
        silent = self._silent
        for channel, port in self._ports.items():
            if channel in silent:
                port.get_array()[:] = 0
                silent[channel] = True
            else:
                port.get_array()[:] = self._block[channel]
        self.frame = frame
        self._cycles += 1

    def _play_silence(self) -> None:
        """Otherwise JACK would repeat what was played last until the ports are gone."""
        for port in self._ports.values():
            port.get_array()[:] = 0

    def _resize(self, frames: int) -> None:
        """JACK changes the length of its cycles; it runs none meanwhile."""
        self._block = np.zeros((len(self._block), frames), np.float32)

    def __enter__(self) -> Self:
        self._client.activate()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.reach()
        self._client.deactivate()
        self._client.close()
        if self.error is not None and error is None:
            raise self.error
