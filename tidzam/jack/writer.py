"""A JACK client that plays blocks of samples on its output ports."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

import jack
import numpy as np

from tidzam.types import Float32

Fill = Callable[[int, Float32], None]
"""Called with the first frame of a JACK cycle and an array of shape (channels, frames), float32, which it must fill.

It is called in JACK's real-time thread: it must return within a fraction of the cycle and should neither wait, allocate
memory, log nor call JACK. The frame counter has 32 bits and wraps around.
"""


class JackWriter:
    """Ports `out_0` to `out_(channels - 1)` of the JACK client `client`, filled by `fill` in each cycle.

    As a context manager it is active while the context is open, and closes the client afterwards. The first exception
    of `fill` is kept in `error`, and raised when the context ends; silence is played from then on.

    >>> with JackWriter(jack.Client("tone"), 1, fill):  # doctest: +SKIP
    ...     time.sleep(10)
    """

    def __init__(self, client: jack.Client, channels: int, fill: Fill) -> None:
        self._client, self._fill = client, fill
        self._ports = [client.outports.register(f"out_{channel}") for channel in range(channels)]
        self._block = np.zeros((channels, client.blocksize), np.float32)
        self.frame = 0
        """The first frame of the cycle that was played last."""
        self.error: Exception | None = None
        client.set_process_callback(self._process)
        client.set_blocksize_callback(self._resize)

    def _process(self, frames: int) -> None:
        frame = self._client.last_frame_time
        if self.error is None:
            try:
                self._fill(frame, self._block)
            except Exception as error:  # noqa: BLE001  in a callback, it would be printed and forgotten
                self.error = error
                self._block[:] = 0
        for port, samples in zip(self._ports, self._block, strict=True):
            port.get_array()[:] = samples
        self.frame = frame

    def _resize(self, frames: int) -> None:
        """JACK changes the length of its cycles; it runs none meanwhile."""
        self._block = np.zeros((len(self._block), frames), np.float32)

    def __enter__(self) -> Self:
        self._client.activate()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.deactivate()
        self._client.close()
        if self.error is not None and error is None:
            raise self.error
