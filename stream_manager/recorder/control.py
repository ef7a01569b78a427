"""Whether each source is recorded, as clients switch it, and what has been recorded since the start."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stream_manager.state_file import state_path
from tidzam.atomic import write_atomically
from tidzam.config import Settings, SourceSettings
from tidzam.config.recording import DefaultRecordSettings
from tidzam.protocol.recordings import RecordingState, RecordingStatus

log = logging.getLogger(__name__)

NAME = "recording-switches.json"


def switches_path(settings: Settings) -> Path | None:
    """The file that keeps what clients switched, beside the one of their permanent sources."""
    path = state_path(settings)
    return path.with_name(NAME) if path is not None else None


@dataclass
class RecordingCounters:
    """What has been recorded of one source; the totals of earlier recorder processes are included."""

    state: RecordingState = RecordingState.OFF
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    lost_seconds: float = 0.0
    failures: int = 0
    last_file: str | None = None
    problem: str | None = None
    retention: str | None = None
    held: int = 0
    muted_seconds: float = 0.0
    dropped_segments: int = 0
    privacy_problem: str | None = None


class RecordingControl:
    """The switches and counters of all sources that can be recorded.

    Switches are kept in the file `path`, so that they outlive the stream manager; without one they are not.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path, self._switched = path, _read(path) if path is not None else {}
        self._changed, self._saving = asyncio.Condition(), asyncio.Lock()
        self._counters: dict[str, RecordingCounters] = {}
        self._retaining = Counter[str]()

    def is_on(self, source: SourceSettings) -> bool:
        """Whether `source` is to be recorded: as it was switched, otherwise as its settings say."""
        return source.record is not None and self._switched.get(source.name, source.record.enabled)

    def has_recorder(self, source: SourceSettings) -> bool:
        """Whether `source` has the output that records it, and deletes its recordings in time, even while it is off."""
        record = source.record
        if not isinstance(record, DefaultRecordSettings):
            return record is not None
        return record.enabled or source.name in self._switched

    async def switch(self, source: SourceSettings, *, on: bool) -> None:
        """Record `source` from now on, or no longer, even if that cannot be saved."""
        log.info("%s: recording is switched %s", source.name, "on" if on else "off")
        await self._change({source.name: on})

    async def forget(self, name: str) -> None:
        """The source called `name` is no longer known: a later one of that name is recorded as its settings say."""
        if name in self._switched:
            await self._change({}, without=name)

    async def _change(self, switched: Mapping[str, bool], without: str | None = None) -> None:
        async with self._saving:  # the switches are written in order, and nobody waits for a slow disk
            async with self._changed:
                kept = {name: on for name, on in self._switched.items() if name != without}
                self._switched = {**kept, **switched}
                self._changed.notify_all()
            if self._path is None:
                return
            try:
                await asyncio.to_thread(_write, self._path, self._switched)
            except OSError as error:
                log.error("cannot write %s: %s; a restart will forget what was switched", self._path, error.strerror)

    async def until(self, source: SourceSettings, *, on: bool) -> None:
        """Wait until `source` is switched on, or off."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.is_on(source) == on)

    @contextmanager
    def retaining(self, name: str) -> Iterator[None]:
        """While open, the recordings of the source called `name` are deleted in time by its recorder."""
        self._retaining[name] += 1
        try:
            yield
        finally:
            self._retaining[name] -= 1

    @property
    def retained(self) -> frozenset[str]:
        """The sources whose recorders delete their recordings in time."""
        return frozenset(+self._retaining)

    def counters(self, name: str) -> RecordingCounters:
        """Those of the source called `name`."""
        return self._counters.setdefault(name, RecordingCounters())

    def all_counters(self) -> Iterator[tuple[str, RecordingCounters]]:
        """Those of every source that has been recorded."""
        return iter(self._counters.items())

    def status(self, source: SourceSettings) -> RecordingStatus | None:
        """The state of the recording of `source`; None if it cannot be recorded."""
        if source.record is None:
            return None
        counters, on = self.counters(source.name), self.is_on(source)
        state = RecordingState.STARTING if counters.state is RecordingState.OFF else counters.state
        return RecordingStatus(
            on=on,
            state=state if on else RecordingState.OFF,
            folder=str(source.record.path),
            files=counters.files,
            bytes=counters.bytes,
            seconds=round(counters.seconds, 3),
            lost_seconds=round(counters.lost_seconds, 3),
            failures=counters.failures,
            last_file=counters.last_file,
            problem=counters.problem,
            retention=counters.retention,
            held=counters.held,
            muted_seconds=round(counters.muted_seconds, 3),
            dropped_segments=counters.dropped_segments,
            privacy_problem=counters.privacy_problem,
        )


def _read(path: Path) -> Mapping[str, bool]:
    """What was switched; nothing if the file is missing or damaged, in which case the settings apply."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("cannot read %s: %s; recordings are switched as the profile says", path, error)
        return {}
    if not isinstance(found, dict) or not all(isinstance(on, bool) for on in found.values()):
        log.warning("%s is damaged; recordings are switched as the profile says", path)
        return {}
    return found


def _write(path: Path, switched: Mapping[str, bool]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(switched, indent=1) + "\n")
