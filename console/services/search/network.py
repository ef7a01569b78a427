"""The network that computes the embeddings of examples, kept open for a while after the last one."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from console.services.turns import Turns
from tidzam.bundle import BundleManifest, read_bundle
from tidzam.embeddings.network import EmbeddingNetwork, open_embedding_network
from tidzam.inference.engine_records import EngineRecords
from tidzam.sound_index.example import embed_example
from tidzam.types import Float32

IDLE_S: Final = 600.0
"""Seconds after the last example after which its memory is freed."""


class ExampleNetwork:
    """The embedding network of a base. One thread at a time uses it, some wait, and further ones are refused."""

    def __init__(self, *, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._turns, self._lock = Turns(1), threading.Lock()
        self._open: tuple[str, EmbeddingNetwork, ExitStack] | None = None
        self._timer: threading.Timer | None = None

    def embed(
        self, folder: Path, manifest: BundleManifest, home: Path | None, path: Path, *, start_s: float, end_s: float
    ) -> Float32:
        """The embeddings, float32 (n, values), of a section of an audio file by the bundle in `folder`.

        Raises BusyError, AudioError, BundleError and SetupError.
        """
        with self._turns.one(), self._lock:
            if self._open is None or self._open[0] != manifest.version:
                self._close()
                stack = ExitStack()
                records = EngineRecords.in_home(home)
                network = stack.enter_context(open_embedding_network(read_bundle(folder), threads=1, records=records))
                self._open = (manifest.version, network, stack)
            found = embed_example(self._open[1], path, start_s=start_s, end_s=end_s)
            self._start_timer()
            return found

    def close(self) -> None:
        """Free its memory. The next example loads it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._open is not None:
            self._open[2].close()
        self._open = self._timer = None

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle_s, self.close)
        self._timer.daemon = True
        self._timer.start()
