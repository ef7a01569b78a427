"""Spectrograms for the clients that subscribe to them; without any, nothing is computed."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from analyzer.live.thread_priority import BACKGROUND_NICE, lower_priority
from analyzer.sinks.socketio import SocketIoSink
from analyzer.spectrograms import PrivateSpectrograms, SpectrogramPart, spectrogram_parts
from tidzam.results import AnalyzedBatch


class SpectrogramEvents:
    """A sink with a queue and a thread of its own, of low priority, so that spectrograms never delay anything else."""

    def __init__(self, events: SocketIoSink) -> None:
        self._events = events
        self._private = PrivateSpectrograms()
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """The thread starts with the first spectrogram."""
        self._thread = ThreadPoolExecutor(1, "spectrogram", initializer=partial(lower_priority, BACKGROUND_NICE))

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Compute the spectrograms of the channels that are asked for, and send what may be shown."""
        rows = [row for row, name in enumerate(analyzed.batch.channels) if self._events.sends_spectrogram_of(name)]
        if rows or analyzed.speech is not None:
            made = asyncio.get_running_loop().run_in_executor(self._thread, self._made, analyzed, rows)
            await self._events.deliver_spectrograms(await made)

    def _made(self, analyzed: AnalyzedBatch, rows: list[int]) -> list[SpectrogramPart]:
        return self._private.follow(spectrogram_parts(analyzed.batch, rows), analyzed.speech)

    async def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
