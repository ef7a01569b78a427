"""The sample rates of sources before resampling to JACK's rate, as the stream manager reports them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from tidzam.naming import source_of
from tidzam.protocol.analyzer import JackSource

log = logging.getLogger(__name__)

_MOST_SOURCES: Final = 4096


class SourceRates:
    """The known sample rates of sources by name. The last report about a source applies."""

    def __init__(self) -> None:
        self._rates_hz: dict[str, int] = {}

    def update(self, sources: Iterable[JackSource]) -> dict[str, int]:
        """Take reports about some sources, and return the rates that are new.

        A report without a rate makes the rate of its source unknown.
        """
        new, rates_hz = dict[str, int](), dict(self._rates_hz)  # a copy, as the thread that analyzes reads them
        for source in sources:
            before = rates_hz.pop(source.name, None)
            if source.rate_hz is not None:
                rates_hz[source.name] = source.rate_hz
            if source.rate_hz is not None and source.rate_hz != before:
                new[source.name] = source.rate_hz
            if source.rate_hz != before:
                log.info(
                    "source %s: sample rate %s", source.name, f"{source.rate_hz} Hz" if source.rate_hz else "unknown"
                )
        while len(rates_hz) > _MOST_SOURCES:
            del rates_hz[next(iter(rates_hz))]
        self._rates_hz = rates_hz
        return new

    def of_channel(self, channel: str) -> int | None:
        """The rate of a port, or else of the source that it belongs to; None if it is unknown."""
        return self._rates_hz.get(channel) or self._rates_hz.get(source_of(channel))
