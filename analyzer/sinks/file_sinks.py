"""Sinks of a file analysis: every batch is delivered to each before the next is analyzed."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from analyzer.sinks.base import NamedSink, marked
from tidzam.errors import TidzamError
from tidzam.results import AnalyzedBatch

log = logging.getLogger(__name__)


class FileSinks:
    """Opens sinks, delivers to them and closes them. `errors` counts the failures of each after its opening."""

    def __init__(self, sinks: Sequence[NamedSink]) -> None:
        self.errors: Counter[str] = Counter()
        self._sinks = sinks
        self._opened: list[NamedSink] = []
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        """Raises TidzamError if a sink cannot be opened; those before it are closed again."""
        self._loop = self._runner.get_loop()
        for named in self._sinks:
            try:
                self._loop.run_until_complete(named.sink.open())
            except Exception as error:  # whatever a third party's code raises
                self.__exit__(None, None, None)
                if isinstance(error, TidzamError):
                    raise
                message = f"The sink {named.name} cannot be opened: {type(error).__name__}: {error}"
                raise TidzamError(message, hint="Check its settings.", code="sink") from error
            self._opened.append(named)
        return self

    def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Deliver a batch to every sink. A failure is counted, and logged if it is the first of its sink."""
        analyzed = marked(self._opened, analyzed)
        for named in self._opened:
            try:
                self._loop.run_until_complete(named.sink.deliver(analyzed))
            except Exception as error:  # noqa: BLE001  contained: the other sinks and the report go on
                self._failed(named, error)

    def _failed(self, named: NamedSink, error: Exception) -> None:
        self.errors[named.name] += 1
        if self.errors[named.name] == 1:
            trace = None if isinstance(error, TidzamError) else error
            log.error("sink %s failed: %s", named.name, error, exc_info=trace)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for named in reversed(self._opened):
            try:
                self._loop.run_until_complete(named.sink.close())
            except Exception as failure:  # noqa: BLE001  as in deliver
                self._failed(named, failure)
        self._opened.clear()
        self._runner.close()
