"""All sources: loading, replacing, unloading, and forgetting those that are over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

from stream_manager.media import playable
from stream_manager.source import Source, World
from tidzam.config import SourceSettings
from tidzam.errors import ConfigError, JackError, RequestError, TidzamError
from tidzam.protocol.stream_manager import SourceState, SourceStatus
from tidzam.scrub import scrub_address

log = logging.getLogger(__name__)

LOAD_TIMEOUT_S = 25.0
"""How long a request to load waits for the source's sound, or for the reason why there is none."""


class Sources:
    """The sources by name. Their tasks belong to `tasks`, and `unload_all` ends them."""

    def __init__(self, world: World, tasks: asyncio.TaskGroup, media_roots: tuple[Path, ...]) -> None:
        self._world, self._tasks, self._media_roots = world, tasks, media_roots
        self._loaded: dict[str, tuple[Source, asyncio.Task[None]]] = {}
        self._profile: dict[str, SourceSettings] = {}
        self._changing = asyncio.Lock()
        self.refused: dict[str, TidzamError] = {}

    def statuses(self) -> tuple[SourceStatus, ...]:
        """The status of every source: those that are loaded, and those of the profile that were refused."""
        refused = [_refusal(self._profile[name], error) for name, error in self.refused.items()]
        return (*(source.status() for source in self), *refused)

    def __iter__(self) -> Iterator[Source]:
        return iter([source for source, _ in self._loaded.values()])

    async def load_profile(self, settings: tuple[SourceSettings, ...]) -> None:
        """Load the sources that the profile names, and remember them. Those that cannot be are `refused`."""
        for source in settings:
            self._profile[source.name] = source
            try:
                await self._load(source, trusted=True)
            except TidzamError as error:
                self.refused[source.name] = error
                log.error("%s: refused: %s", source.name, error)

    async def load(self, settings: SourceSettings, owner: str) -> Source:
        """Load a source for a client, in place of the one that has its name, and wait for its sound.

        Raises RequestError if it names what may not be opened, JackError while the server is away, and for a source
        that is not permanent the SourceError that says why it does not play. A permanent one keeps trying.
        """
        if not self._world.graph.up:
            raise JackError("The JACK server is away.", hint="Try again when it is back.", code="jack_away")
        source = await self._load(settings, trusted=False, owner=owner)
        try:
            await asyncio.wait_for(source.settled(), LOAD_TIMEOUT_S)
        except TimeoutError:
            return source
        if source.error is not None and source.life.state is SourceState.FAILED and not settings.is_permanent:
            raise source.error
        return source

    async def unload(self, name: str) -> None:
        """Raises RequestError if there is no such source."""
        async with self._changing:
            if name not in self._loaded:
                loaded = ", ".join(self._loaded) or "none"
                hint = f"Loaded are: {loaded}."
                raise RequestError(f"No source is called {name!r}.", hint=hint, code="source_unknown", field="name")
            await self._end(name)

    async def release(self, name: str) -> None:
        """Send a permanent source back to its own address; unload any other. Raises RequestError if there is none."""
        loaded = self._loaded.get(name)
        if name in self._profile:
            await self._load(self._profile[name], trusted=True)
        elif loaded is None or not loaded[0].settings.is_permanent:
            await self.unload(name)

    async def leave(self, owner: str) -> None:
        """A client has gone: its sources that are not permanent go with it."""
        async with self._changing:
            names = [source.name for source in self if source.owner == owner and not source.settings.is_permanent]
            if names:
                log.info("the client that loaded %s has left", ", ".join(names))
            await asyncio.gather(*(self._end(name) for name in names))

    async def unload_all(self) -> None:
        async with self._changing:
            await asyncio.gather(*(self._end(name) for name in list(self._loaded)))

    async def _load(self, settings: SourceSettings, *, trusted: bool, owner: str | None = None) -> Source:
        if settings.url is None:
            hint = "Start the node with `tidzam start`, which renders it, or name a url."
            raise ConfigError(f"Source {settings.name} is a demo that was not rendered.", hint=hint)
        media = playable(settings.url, self._media_roots, trusted=trusted)
        source = Source(settings, media, self._world, owner=owner)
        async with self._changing:
            if source.name in self._loaded:
                await self._end(source.name)
            task = self._tasks.create_task(source.run(), name=source.name)
            self._loaded[source.name] = source, task
            task.add_done_callback(lambda done: self._forget(source, done))
        return source

    async def _end(self, name: str) -> None:
        _, task = self._loaded[name]
        task.cancel()
        await asyncio.wait([task])
        self._loaded.pop(name, None)

    def _forget(self, source: Source, task: asyncio.Task[None]) -> None:
        """A source that is over is forgotten, unless another has taken its name."""
        if self._loaded.get(source.name, (None, None))[1] is task:
            del self._loaded[source.name]
            log.info("%s: unloaded", source.name)


def _refusal(settings: SourceSettings, error: TidzamError) -> SourceStatus:
    """The status of a source that was refused before anything was tried."""
    return SourceStatus(
        name=settings.name,
        state=SourceState.FAILED,
        is_permanent=settings.is_permanent,
        url=scrub_address(settings.url or ""),
        channels=0,
        ports=(),
        mounts=(),
        restarts=0,
        last_error=str(error),
        code=error.code,
        started=None,
        bytes=0,
        gaps=0,
    )
