"""The collection of sources: loads, replaces and unloads them, and restores what a source replaced."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Never

from stream_manager.faults import PlaybackError
from stream_manager.network.allowed_addresses import require_allowed
from stream_manager.outputs.base import OutputFault
from stream_manager.outputs.registry import RECORDER
from stream_manager.services import Services
from stream_manager.source import Source
from stream_manager.source_factory import SourceFactory
from stream_manager.source_registry import SourceEntry, SourceRegistry
from stream_manager.state_file import write_state
from tidzam.config import SourceSettings
from tidzam.config.settings import StreamManagerSettings
from tidzam.errors import JackError, RequestError, TidzamError
from tidzam.protocol.source_status import SourceState, SourceStatus, TransitionList
from tidzam.scrub import scrub_address

log = logging.getLogger(__name__)

LOAD_TIMEOUT_S = 25.0
"""How long a request to load waits for the source to play or to fail."""
SIGNALS_EVERY_S: Final = 1.0


class Sources:
    """The sources by name. Their tasks belong to `tasks`; `unload_all` ends them.

    `state` is the file that keeps the permanent sources of clients; without one they are not kept. `others` returns the
    status of sources that clients cannot load, such as that of live streams.
    """

    def __init__(
        self,
        services: Services,
        tasks: asyncio.TaskGroup,
        settings: StreamManagerSettings,
        state: Path | None = None,
        others: Callable[[], tuple[SourceStatus, ...]] = tuple,
    ) -> None:
        self._others = others
        self._services, self._tasks, self._settings, self._state = services, tasks, settings, state
        self._registry = SourceRegistry()
        self._factory = SourceFactory(services, settings, self._registry)
        self._loaded: dict[str, tuple[Source, asyncio.Task[None]]] = {}
        self._refused: dict[str, SourceStatus] = {}
        self._changing = asyncio.Lock()
        self._asking: Counter[str] = Counter()
        self._gone: set[str] = set()
        """Clients that have left while their request to load a source is in progress."""

    def __iter__(self) -> Iterator[Source]:
        return iter([source for source, _ in self._loaded.values()])

    def __contains__(self, name: str) -> bool:
        return name in self._loaded or name in self._refused

    def statuses(self) -> tuple[SourceStatus, ...]:
        """The status of every source: those that are loaded, those that were refused, and the others."""
        return (*(source.status() for source in self), *self._refused.values(), *self._others())

    def output_faults(self) -> Mapping[str, tuple[OutputFault, ...]]:
        """What is wrong with the outputs of each loaded source."""
        return {source.name: source.output_faults() for source in self}

    def player_errors(self) -> Mapping[str, int]:
        """How often the player of each source has raised an unexpected exception."""
        return {source.name: source.player_errors for source in self}

    def output_failures(self) -> Mapping[tuple[str, str], int]:
        """How often each output has failed, by the names of its source and itself."""
        return {(one.name, output): count for one in self for output, count in one.output_failures.items()}

    def transitions(self, name: str) -> TransitionList:
        """The last transitions of a loaded source. Raises RequestError if it is unknown."""
        if name not in self._loaded:
            raise self._unknown(name)
        history = self._loaded[name][0].history
        return TransitionList(name=name, count=history.count, transitions=tuple(one.record() for one in history))

    def missing(self) -> tuple[str, ...]:
        """Permanent sources of the profile that were unloaded."""
        return self._registry.missing((*self._loaded, *self._refused))

    async def load_permanent(self, profile: Iterable[SourceSettings], kept: Iterable[SourceEntry]) -> None:
        """Load the profile's sources, and those that clients loaded as permanent in an earlier run.

        One that cannot be loaded is listed as failed; the others are loaded.
        """
        self._registry.profile = {settings.name: SourceEntry(settings) for settings in profile}
        self._registry.kept = {entry.name: entry for entry in kept}
        async with self._changing:
            for name in self._registry.names:
                self._restore(name)

    async def load(self, settings: SourceSettings, owner: str, *, trusted: bool) -> Source:
        """Load a source for a client, in place of the one with its name, and wait until it plays or fails.

        A `trusted` client may load any address, others none on this machine or a private network.

        Raises RequestError if its address or file is not allowed or if there are too many sources, JackError while the
        server is away, and SourceError if a source that is not permanent fails. A permanent one is retried instead.
        """
        if not self._services.graph.running:
            raise JackError("The JACK server is not running.", hint="Try again when it is running.", code="jack_away")
        entry = SourceEntry(self._registry.with_channel_names(settings), owner, trusted)
        source = self._factory.source(entry)
        with self._request_of(owner):
            await require_allowed(settings.url or "", source.allowed_addresses)
            await self._replace(source)
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                await source.settled()
        except TimeoutError:
            return source
        if source.error is not None and source.playback.state is SourceState.FAILED and entry.is_guest:
            raise source.error
        return source

    async def unload(self, name: str) -> None:
        """Unload the source called `name` and restore what it replaced. Raises RequestError if there is none."""
        async with self._changing:
            if name in self._loaded:
                await self._unload(self._loaded[name][0].entry)
            elif name in self._refused and self._registry.entries(name):
                await self._unload(self._registry.entries(name)[0])
            else:
                raise self._unknown(name)

    async def release(self, name: str) -> None:
        """Restore a permanent source to its own address; unload any other. Raises RequestError if there is none."""
        async with self._changing:
            loaded = self._loaded[name][0].entry if name in self._loaded else None
            if loaded is not None and loaded.is_guest:
                await self._unload(loaded)
            elif name in self._registry.profile:
                self._registry.dismissed.discard(name)
                if self._registry.kept.pop(name, None) is not None:
                    await self._save()
                await self._end(name)
                self._restore(name)
            elif loaded is None:
                raise self._unknown(name)

    async def leave(self, owner: str) -> None:
        """Unload the non-permanent sources of a client that has disconnected, and restore what they replaced."""
        if owner in self._asking:
            self._gone.add(owner)
        async with self._changing:
            guests = [source.entry for source in self if source.owner == owner and source.entry.is_guest]
            if guests:
                log.info("the client that loaded %s has disconnected", ", ".join(guest.name for guest in guests))
            await asyncio.gather(*(self._unload(guest) for guest in guests))

    async def switch_recording(self, name: str, *, on: bool) -> None:
        """Record the source called `name` from now on, or no longer.

        Raises RequestError if there is none, if it cannot be recorded, or if JACK has no room for the recorder.
        """
        async with self._changing:
            if name not in self._loaded:
                raise self._unknown(name)
            source = self._loaded[name][0]
            if source.settings.record is None:
                message = f"The source {name!r} is copied without decoding, or is a past recording itself."
                raise RequestError(message, hint="It cannot be recorded.", code="not_recordable", field="name")
            if on:
                await _add_recorder(source)
            await self._services.recordings.switch(source.settings, on=on)

    async def record_signals(self) -> Never:
        """Record the gaps of channels that carry no valid audio although their source plays, until cancelled."""
        while True:
            await asyncio.sleep(SIGNALS_EVERY_S)
            for source in self:
                source.record_signals()

    async def unload_all(self) -> None:
        """End all sources, with their players and outputs at the same time."""
        async with self._changing:
            outputs = [source.stop_outputs() for source in self]
            await asyncio.gather(*(self._end(name) for name in list(self._loaded)), *outputs)

    @contextmanager
    def _request_of(self, owner: str) -> Iterator[None]:
        """While open, `leave` records that this client has gone, so that none of its guests remains."""
        self._asking[owner] += 1
        try:
            yield
        finally:
            self._asking[owner] -= 1
            if not self._asking[owner]:
                del self._asking[owner]
                self._gone.discard(owner)

    async def _replace(self, source: Source) -> None:
        """Load a client's `source` in place of the one with its name."""
        entry = source.entry
        async with self._changing:
            if entry.owner in self._gone and entry.is_guest:
                raise RequestError(f"The client that requested {entry.name} has disconnected.", code="client_left")
            loaded = {name: other.entry for name, (other, _) in self._loaded.items()}
            self._registry.require_room(entry, loaded, self._settings)
            await self._end(entry.name)
            self._start(source)
            if not entry.is_guest:
                self._registry.kept[entry.name] = entry
                await self._save()

    def _start(self, source: Source) -> None:
        self._refused.pop(source.name, None)
        task = self._tasks.create_task(self._run(source), name=source.name)
        self._loaded[source.name] = source, task

    async def _run(self, source: Source) -> None:
        """Run `source`. When it ends by itself, remove it and restore what it replaced."""
        await source.run()
        async with self._changing:
            log.info("%s: unloaded", source.name)
            del self._loaded[source.name]
            self._registry.dismiss(source.entry)
            self._restore(source.name)
            await self._forget_switch(source.name)

    def _restore(self, name: str) -> None:
        """Load the source that is to play under `name`, once none is loaded. Refused ones are listed with a reason."""
        for entry in self._registry.entries(name):
            try:
                self._start(self._factory.source(entry))
                return
            except TidzamError as error:
                if name not in self._refused:
                    log.error("%s: refused: %s", name, error)
                self._refused[name] = _refusal(entry, error)

    async def _unload(self, entry: SourceEntry) -> None:
        was_kept = self._registry.kept.get(entry.name)
        self._registry.dismiss(entry)
        self._refused.pop(entry.name, None)
        await self._end(entry.name)
        log.info("%s: unloaded", entry.name)
        if was_kept is not self._registry.kept.get(entry.name):
            await self._save()
        self._restore(entry.name)
        await self._forget_switch(entry.name)

    async def _forget_switch(self, name: str) -> None:
        """A source of this name that is added later is another one."""
        if name not in self._registry.names:
            await self._services.recordings.forget(name)

    async def _end(self, name: str) -> None:
        if name not in self._loaded:
            return
        _, task = self._loaded[name]
        task.cancel()
        await asyncio.wait([task])
        self._loaded.pop(name, None)

    async def _save(self) -> None:
        if self._state is None:
            return
        kept = list(self._registry.kept.values())
        try:
            await asyncio.to_thread(write_state, self._state, kept)
        except OSError as error:
            log.error(
                "cannot write %s: %s; clients' permanent sources will be lost at a restart", self._state, error.strerror
            )

    def _unknown(self, name: str) -> RequestError:
        loaded = ", ".join(self._loaded) or "none"
        hint = f"Loaded sources: {loaded}."
        return RequestError(f"There is no source named {name!r}.", hint=hint, code="source_unknown", field="name")


async def _add_recorder(source: Source) -> None:
    """Raises RequestError (`jack_full`)."""
    try:
        await source.add_output(RECORDER)
    except PlaybackError as error:
        raise RequestError(f"{source.name} cannot be recorded. {error}", code=error.failure.code) from None


def _refusal(entry: SourceEntry, error: TidzamError) -> SourceStatus:
    """The status of a source that was refused before an attempt to play it."""
    return SourceStatus(
        name=entry.name,
        state=SourceState.FAILED,
        **entry.status_fields(),
        url=scrub_address(entry.settings.url or ""),
        channels=0,
        ports=(),
        mounts=(),
        restarts=0,
        last_error=str(error),
        code="source_refused" if error.code == RequestError.code else error.code,
        started=None,
        bytes=0,
        gaps=0,
    )
