"""The recordings of all live streams: begun, ended, and completed after a crash."""

from __future__ import annotations

import asyncio
import logging

from stream_manager.live.recorder import LiveRecorder
from stream_manager.live.registry import LiveStream
from stream_manager.live.storage import LiveStorage, complete
from tidzam.errors import RequestError
from tidzam.naming import LIVE_SOURCE, port_name
from tidzam.protocol.live_streams import Audio

log = logging.getLogger(__name__)


def recording_name(slot: int) -> str:
    """What the names of recordings of a stream begin with."""
    return port_name(LIVE_SOURCE, slot).replace(":", "-")


class LiveRecordings:
    """The recordings of up to `ports` streams in `storage`. Files are at most `length_s` long."""

    def __init__(self, storage: LiveStorage, *, ports: int, length_s: float) -> None:
        self._storage, self._length_s = storage, length_s
        self._leftovers = storage.leftovers(map(recording_name, range(ports)))
        self._finishing: set[asyncio.Task[None]] = set()

    async def complete_leftovers(self) -> None:
        """Complete what a crash left. Faults are logged."""
        try:
            await asyncio.to_thread(complete, self._leftovers)
        except Exception:  # a fault in an old recording must not affect the streams
            log.exception("the recordings of live streams that a crash left cannot be completed")

    def take(self, stream: LiveStream, audio: Audio) -> None:
        """Record `audio` if its client asks for it; otherwise a recording of the stream ends.

        Raises RequestError if it cannot be recorded.
        """
        if not audio.storage:
            self.finish(stream)
            return
        self._storage.require()
        if stream.recorder is None:
            stream.recorder = LiveRecorder(recording_name(stream.slot), self._storage, length_s=self._length_s)
        if stream.recorder.failure is not None:
            message = f"The recording of {stream.port} has ended: {stream.recorder.failure}."
            raise RequestError(message, hint="See the log of the stream manager.", code="storage_failed")
        stream.recorder.write(audio.buffer, audio.samplerate)

    def finish(self, stream: LiveStream) -> None:
        """End the recording of a stream, if there is one. Returns at once."""
        if stream.recorder is None:
            return
        task = asyncio.create_task(stream.recorder.finish())
        stream.recorder = None
        self._finishing.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, finishing: asyncio.Task[None]) -> None:
        self._finishing.discard(finishing)
        if not finishing.cancelled() and (error := finishing.exception()) is not None:
            log.error("a recording of a live stream could not be completed", exc_info=error)

    async def finished(self) -> None:
        """Wait until all recordings that were ended are complete."""
        if self._finishing:
            await asyncio.wait(self._finishing)
