"""Records the audio of one live stream, as the client sent it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import soundfile

from stream_manager.live.storage import LiveStorage, StoredFile
from tidzam.clocks import Clock, Moment, system_clock

log = logging.getLogger(__name__)

_MOST_WAITING_S: Final = 30.0
"""How much audio may wait for a disk that does not keep up."""
CLOCK_JUMP_S: Final = 0.5
"""A file ends if the clock of this machine was set by more than this, since the times in it would be wrong."""


@dataclass(frozen=True)
class _Packet:
    """Audio that arrived at `arrival`."""

    arrival: Moment
    rate_hz: int
    pcm: bytes

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / 2 / self.rate_hz

    @property
    def start(self) -> datetime:
        return self.arrival.utc - timedelta(seconds=self.duration_s)


def clock_was_set(before: Moment, now: Moment) -> bool:
    """Whether the time of day and the time that has passed differ by more than CLOCK_JUMP_S."""
    expected = before.after(now.elapsed_s - before.elapsed_s)
    return abs((now.utc - expected.utc).total_seconds()) > CLOCK_JUMP_S


class LiveRecorder:
    """Writes packets to files named `NAME-YYYY-MM-DD-HH-MM-SS` in a task of its own, so that a disk delays nobody.

    A file ends with `finish`, after `length_s`, when the sample rate changes, when the clock of this machine is set, or
    when the storage is full.
    """

    def __init__(self, name: str, storage: LiveStorage, *, length_s: float, clock: Clock = system_clock) -> None:
        self._name, self._storage, self._length_s, self._clock = name, storage, length_s, clock
        self._packets: asyncio.Queue[_Packet | None] = asyncio.Queue()
        self._waiting_s = 0.0
        self._file: StoredFile | None = None
        self._written_s = 0.0
        self._last: Moment | None = None
        """When the last packet in the file arrived."""
        self.file_name: str | None = None
        """The name of the current file."""
        self.failure: str | None = None
        """Why it records no more."""
        self._task = asyncio.create_task(self._run(), name=f"{name} recorder")

    def write(self, pcm: bytes, rate_hz: int) -> None:
        """Append 16-bit mono PCM that arrives now. Returns at once; audio that the disk cannot take is dropped."""
        packet = _Packet(self._clock(), rate_hz, pcm)
        if self.failure is not None:
            return
        if self._waiting_s + packet.duration_s > _MOST_WAITING_S:
            self._fail("the disk is too slow")
            return
        self._waiting_s += packet.duration_s
        self._packets.put_nowait(packet)

    async def finish(self) -> None:
        """Write what is waiting, and complete the file."""
        self._packets.put_nowait(None)
        await self._task

    async def _run(self) -> None:
        try:
            while (packet := await self._packets.get()) is not None:
                self._waiting_s -= packet.duration_s
                if self.failure is None:
                    await asyncio.to_thread(self._put, packet)
        except (OSError, soundfile.LibsndfileError) as error:
            self._fail(f"it cannot be written: {_cause(error)}")
        except Exception as error:  # a fault in a recording must not affect the stream
            log.exception("%s: internal error in the recorder", self._name)
            self._fail(f"internal error: {error}")
        finally:
            await self._complete()

    def _put(self, packet: _Packet) -> None:
        if self._file is not None and not self._continues(self._file, packet):
            self._end_file()
        if self._file is None:
            self._file, self._written_s = self._storage.begin(self._name, packet.start, packet.rate_hz), 0.0
            self.file_name = self._file.name
        if not self._storage.reserve(self._file, len(packet.pcm)):
            self._fail("the recordings have reached their maximum size")
            return
        self._file.audio.write(np.frombuffer(packet.pcm, "<i2"))
        self._written_s += packet.duration_s
        self._last = packet.arrival

    def _continues(self, file: StoredFile, packet: _Packet) -> bool:
        """Whether `packet` belongs into the file in progress."""
        if packet.rate_hz != file.audio.samplerate or self._written_s >= self._length_s:
            return False
        return self._last is None or not clock_was_set(self._last, packet.arrival)

    def _end_file(self) -> None:
        if self._file is None:
            return
        file, self._file, self.file_name = self._file, None, None
        if not self._written_s:
            self._storage.discard(file)
            return
        path = self._storage.finish(file)
        log.info("%s: recorded %.1f s to %s", self._name, self._written_s, path)

    async def _complete(self) -> None:
        try:
            await asyncio.to_thread(self._end_file)
        except (OSError, soundfile.LibsndfileError) as error:
            self._fail(f"it cannot be completed: {_cause(error)}")

    def _fail(self, reason: str) -> None:
        self.failure = reason
        log.error("%s: the recording has ended: %s", self._name, reason)


def _cause(error: OSError | soundfile.LibsndfileError) -> str:
    """The cause alone: the path of the file would make a different reason of each attempt."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error.error_string)
