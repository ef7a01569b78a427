"""The spectrograms of the present: kept for some seconds, and asked for only while somebody looks at them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from tidzam.protocol.spectrogram import SpectrogramEvent

ALL: Final = "*"
"""Stands for every channel."""
_KEPT: Final = 24
"""How many events are kept: a browser that connects gets those that it asks for, and starts with a picture."""
_LINGER_S: Final = 10.0
"""For how long they are received after the last browser has left: pages connect again when other channels are seen."""


class LiveSpectrograms:
    """The last events of the analyzer, whoever looks at them. Nothing is kept per browser."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: deque[tuple[int, SpectrogramEvent]] = deque(maxlen=_KEPT)
        self._viewers, self._viewed_until_s = 0, clock()
        self.last = 0
        """The number of the last event."""

    @property
    def are_viewed(self) -> bool:
        """Whether a browser shows some, or has just done so."""
        return self._viewers > 0 or self._clock() < self._viewed_until_s

    @contextmanager
    def viewed(self) -> Iterator[None]:
        """A browser shows some for as long as the context is open."""
        self._viewers += 1
        try:
            yield
        finally:
            self._viewers -= 1
            self._viewed_until_s = self._clock() + _LINGER_S

    def add(self, event: SpectrogramEvent) -> None:
        """The analyzer has sent an event."""
        self.last += 1
        self._kept.append((self.last, event))

    def since(self, number: int, ports: frozenset[str]) -> list[SpectrogramEvent]:
        """The kept events after a number, with the channels of `ports` only; without those that have none of them."""
        found = []
        for _, event in (one for one in list(self._kept) if one[0] > number):
            wanted = event.channels if ALL in ports else tuple(one for one in event.channels if one.channel in ports)
            if wanted:
                found.append(event.model_copy(update={"channels": wanted}))
        return found
