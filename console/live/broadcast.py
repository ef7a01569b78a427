"""Notifies browsers of what has changed: as fast as each can receive it, at most twice a second.

A browser that is slow gets fewer and larger updates. Nothing is queued for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from datetime import datetime
from typing import Any, Final, Never

from console.live.analyzer_events import AnalyzerEvents
from console.live.models import LiveUpdate
from console.live.notices import Notices
from console.live.spectrograms import LiveSpectrograms
from console.live.state import LiveState
from console.services.node_monitor import NodeMonitor

UPDATE_S: Final = 0.5
"""The least time between two updates of a browser, and how often is looked for changes."""
LIVE: Final = "live"
"""The event of an update."""
SPECTROGRAM: Final = "spectrogram"
"""The event of the spectrograms of channels."""
SILENCE_S: Final = 15.0
"""The longest time without an update: proxies end connections on which nothing is sent."""


class LiveBroadcast:
    """Updates of `state`, `spectrograms` and `notices` for any number of browsers, while `running` is open.

    `monitor` and `events` keep them up to date.
    """

    def __init__(
        self,
        state: LiveState,
        spectrograms: LiveSpectrograms,
        monitor: NodeMonitor,
        events: AnalyzerEvents,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.state, self.spectrograms, self.notices = state, spectrograms, Notices()
        self._monitor, self._events, self._now = monitor, events, now
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Whether updates go on."""
        return self._is_open

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the state up to date for as long as the context is open."""
        self._is_open = True
        try:
            async with AsyncExitStack() as tasks:
                for name, work in (("events of the analyzer", self._events.run()), ("live state", self._follow_node())):
                    tasks.push_async_callback(_end, asyncio.create_task(work, name=name))
                yield
        finally:
            self._is_open = False

    def close(self) -> None:
        """End all updates, so that the console can stop."""
        self._is_open = False

    def snapshot(self) -> LiveUpdate:
        """All there is. May be called from any thread."""
        return self.state.update(-1, self._now())

    async def events(self, *, managing: bool, spectrograms: frozenset[str]) -> AsyncGenerator[tuple[str, str]]:
        """Names and data, which is JSON, of events: all there is, and then what changes, until the broadcast is closed.

        Those who are not `managing` the node get less of some. Of `spectrograms`, ports or `*`, the last seconds and
        then what is heard is sent, too. It ends also for a browser that is so slow that it has missed a notice: it
        connects again, and reads all.
        """
        with self.spectrograms.viewed() if spectrograms else nullcontext():
            loop = asyncio.get_running_loop()
            noticed, seen, sent_s = self.notices.last, self.state.version, loop.time()
            drawn = -1
            yield LIVE, self.snapshot().model_dump_json()
            while self._is_open:
                drawn, pictures = self.spectrograms.last, self.spectrograms.since(drawn, spectrograms)
                for picture in pictures:
                    yield SPECTROGRAM, picture.model_dump_json()
                await asyncio.sleep(UPDATE_S)
                notices = self.notices.since(noticed)
                if notices is None:
                    return
                for notice in notices:
                    yield notice.event, notice.data if managing else notice.public
                    noticed = notice.number
                if self.state.version == seen and loop.time() - sent_s < SILENCE_S:
                    continue
                update, seen, sent_s = self.state.update(seen, self._now()), self.state.version, loop.time()
                yield LIVE, update.model_dump_json()

    async def _follow_node(self) -> Never:
        while True:
            self.state.set_node(self._monitor.view)
            await asyncio.sleep(UPDATE_S)


def live_broadcast(
    analyzer: str, monitor: NodeMonitor, *, token: str | None, now: Callable[[], datetime]
) -> LiveBroadcast:
    """The broadcast of what the analyzer at the address `analyzer` reports. `token` is the node's."""
    state, spectrograms = LiveState(monitor.view), LiveSpectrograms()
    events = AnalyzerEvents(analyzer, state, spectrograms, token=token)
    return LiveBroadcast(state, spectrograms, monitor, events, now=now)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
