"""Sequences that were extracted, kept until their memory is needed for others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from tidzam.types import Float32


class SequenceCache:
    """At most `limit_bytes` of sequences, the last used ones. Another process gets an empty one of the same size."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._sequences: OrderedDict[int, Float32] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[SequenceCache], tuple[int]]:
        return SequenceCache, (self.limit_bytes,)

    def get(self, index: int, make: Callable[[], Float32]) -> Float32:
        """Sequence number `index`, made if it is not there."""
        with self._lock:
            sequence = self._sequences.get(index)
            if sequence is not None:
                self._sequences.move_to_end(index)
                return sequence
        sequence = make()
        sequence.setflags(write=False)
        with self._lock:
            self._keep(index, sequence)
        return sequence

    def _keep(self, index: int, sequence: Float32) -> None:
        if index in self._sequences or sequence.nbytes > self.limit_bytes:
            return
        self._sequences[index] = sequence
        self.used_bytes += sequence.nbytes
        while self.used_bytes > self.limit_bytes:
            _, oldest = self._sequences.popitem(last=False)
            self.used_bytes -= oldest.nbytes
