"""Sinks of the analysis of files: every batch is delivered to each before the next one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from analyzer.clips.privacy import ClipPrivacy
from analyzer.sinks.base import NamedSink, marked
from analyzer.sinks.clips import ClipSink
from tidzam.errors import TidzamError
from tidzam.results import AnalyzedBatch

log = logging.getLogger(__name__)


class FileSinks:
    """Opens sinks, delivers to them and closes them. `errors` counts the failures of each after its opening.

    Their event loop runs during deliveries only, or, `in_background`, all the time in a thread of its own: for sinks
    that send later, while the next deliveries take long to come.
    """

    def __init__(self, sinks: Sequence[NamedSink], *, in_background: bool = False) -> None:
        self.errors: Counter[str] = Counter()
        self._sinks = sinks
        self._opened: list[NamedSink] = []
        self._runner = asyncio.Runner()
        self._in_background = in_background
        self._thread: threading.Thread | None = None

    @property
    def clip_privacy(self) -> list[ClipPrivacy]:
        """What the sinks of clips have counted of clips with speech."""
        return [named.sink.privacy for named in self._sinks if isinstance(named.sink, ClipSink)]

    def __enter__(self) -> Self:
        """Raises TidzamError if a sink cannot be opened; those before it are closed again."""
        self._loop = self._runner.get_loop()
        if self._in_background and self._sinks:
            self._thread = threading.Thread(target=self._loop.run_forever, name="sinks", daemon=True)
            self._thread.start()
        for named in self._sinks:
            try:
                self._run(named.sink.open())
            except Exception as error:  # whatever a third party's code raises
                self.__exit__(None, None, None)
                if isinstance(error, TidzamError):
                    raise
                message = f"The sink {named.name} cannot be opened: {type(error).__name__}: {error}"
                raise TidzamError(message, hint="Check its settings.", code="sink") from error
            self._opened.append(named)
        return self

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        if self._thread is None:
            self._loop.run_until_complete(work)
        else:
            asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def deliver(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        """Deliver a batch to every sink. Returns it as the sinks received it, with the names of clips.

        A failure is counted, and logged if it is the first of its sink.
        """
        analyzed = marked(self._opened, analyzed)
        for named in self._opened:
            self._deliver(named, analyzed)
        return analyzed

    def deliver_to(self, name: str, analyzed: AnalyzedBatch) -> bool:
        """Deliver a batch to the sink of this name alone. Returns whether it took it."""
        (named,) = [one for one in self._opened if one.name == name]
        return self._deliver(named, analyzed)

    def _deliver(self, named: NamedSink, analyzed: AnalyzedBatch) -> bool:
        try:
            self._run(named.sink.deliver(analyzed))
        except Exception as error:  # noqa: BLE001  contained: the other sinks and the report go on
            self._failed(named, error)
            return False
        return True

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
                self._run(named.sink.close())
            except Exception as failure:  # noqa: BLE001  as in deliver
                self._failed(named, failure)
        self._opened.clear()
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None
        self._runner.close()
