"""A cache of feature sequences with limited memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from tidzam.types import Float32


class SequenceCache:
    """The most recently used sequences, at most `limit_bytes` of them. A pickled cache arrives empty."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._sequences: OrderedDict[int, Float32] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[SequenceCache], tuple[int]]:
        return SequenceCache, (self.limit_bytes,)

    def get(self, index: int, make: Callable[[], Float32]) -> Float32:
        """Sequence number `index`; it is made if it is not cached."""
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
