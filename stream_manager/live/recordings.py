"""The recordings of all live streams: begun, ended, and completed after a crash."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from stream_manager.live.recorder import LiveRecorder
from stream_manager.live.registry import LiveStream
from stream_manager.live.retry import RecordingRetry
from stream_manager.live.storage import LiveStorage, complete
from tidzam.errors import RequestError
from tidzam.naming import LIVE_SOURCE, port_name
from tidzam.protocol.live_streams import Audio

log = logging.getLogger(__name__)

MEASURE_S: Final = 5.0
"""How often, at most, it is looked whether recordings were deleted after they had reached their maximum size."""


def recording_name(slot: int) -> str:
    """What the names of recordings of a stream begin with."""
    return port_name(LIVE_SOURCE, slot).replace(":", "-")


class LiveRecordings:
    """The recordings of up to `ports` streams in `storage`. Files are at most `length_s` long.

    A recording that has failed is begun again while its client sends, as `RecordingRetry` says. `now_s` is a monotonic
    clock.
    """

    def __init__(
        self, storage: LiveStorage, *, ports: int, length_s: float, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._storage, self._length_s, self._now_s = storage, length_s, now_s
        self._leftovers = storage.leftovers(map(recording_name, range(ports)))
        self._retries: dict[int, RecordingRetry] = {}
        """By slot, of the streams whose clients ask for a recording."""
        self._failed: dict[int, asyncio.Task[None]] = {}
        """By slot, the end of the last recording that has failed."""
        self._finishing: set[asyncio.Task[None]] = set()
        self._measuring: asyncio.Task[None] | None = None
        self._measured_s = float("-inf")

    async def complete_leftovers(self) -> None:
        """Complete what a crash left. Faults are logged."""
        try:
            await asyncio.to_thread(complete, self._storage, self._leftovers)
        except Exception:  # a fault in an old recording must not affect the streams
            log.exception("the recordings of live streams that a crash left cannot be completed")

    def take(self, stream: LiveStream, audio: Audio) -> None:
        """Record `audio` if its client asks for it; otherwise a recording of the stream ends.

        Raises RequestError if it cannot be recorded: once, and again when the reason has changed or after it could be.
        """
        if not audio.storage:
            self.finish(stream)
            return
        retry = self._retries.setdefault(stream.slot, RecordingRetry())
        try:
            self._record(stream, audio, retry)
        except RequestError as error:
            if retry.is_news(str(error)):
                raise

    def _record(self, stream: LiveStream, audio: Audio, retry: RecordingRetry) -> None:
        recorder = stream.recorder
        if recorder is not None and recorder.failure is not None:
            retry.fail(self._now_s())
            self._failed[stream.slot] = self._finish(recorder)
            stream.recorder = None
            message = f"The recording of {stream.port} has ended: {recorder.failure}."
            hint = "It begins again when that is corrected."
            raise RequestError(message, hint=hint, code="storage_failed")
        if self._storage.is_full:
            self._measure()
            self._stop(stream)
        self._storage.require()
        if recorder is None:
            recorder = stream.recorder = self._begin(stream, retry)
        elif recorder.file_name is not None:
            retry.works()
        if recorder is not None:
            recorder.write(audio.buffer, audio.samplerate)

    def _begin(self, stream: LiveStream, retry: RecordingRetry) -> LiveRecorder | None:
        """A new recording; None while it has to wait, and while one that has failed waits for its disk."""
        failed = self._failed.get(stream.slot)
        if not retry.is_due(self._now_s()) or (failed is not None and not failed.done()):
            return None
        self._failed.pop(stream.slot, None)
        retry.begin(self._now_s())
        return LiveRecorder(recording_name(stream.slot), self._storage, length_s=self._length_s)

    def finish(self, stream: LiveStream) -> None:
        """End the recording of a stream, if there is one. Returns at once."""
        self._retries.pop(stream.slot, None)
        self._stop(stream)

    def _stop(self, stream: LiveStream) -> None:
        if stream.recorder is not None:
            self._finish(stream.recorder)
            stream.recorder = None

    def _measure(self) -> None:
        """Look in a thread whether there is room again, unless that was done just before."""
        is_measuring = self._measuring is not None and not self._measuring.done()
        if not is_measuring and self._now_s() - self._measured_s >= MEASURE_S:
            self._measured_s = self._now_s()
            self._measuring = asyncio.create_task(self._look_for_room())

    async def _look_for_room(self) -> None:
        try:
            await asyncio.to_thread(self._storage.measure)
        except OSError as error:
            log.warning("the folder of the recordings of live streams cannot be read: %s", error)

    def _finish(self, recorder: LiveRecorder) -> asyncio.Task[None]:
        task = asyncio.create_task(recorder.finish())
        self._finishing.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, finishing: asyncio.Task[None]) -> None:
        self._finishing.discard(finishing)
        if not finishing.cancelled() and (error := finishing.exception()) is not None:
            log.error("a recording of a live stream could not be completed", exc_info=error)

    async def finished(self) -> None:
        """Wait until all recordings that were ended are complete."""
        if self._finishing:
            await asyncio.wait(self._finishing)
