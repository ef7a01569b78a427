"""Strips that were extracted, kept until their memory is needed for others."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from tidzam.types import Float32


class StripCache:
    """At most `limit_bytes` of strips, the last used ones. Another process gets an empty one of the same size."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._strips: OrderedDict[int, Float32] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[StripCache], tuple[int]]:
        return StripCache, (self.limit_bytes,)

    def get(self, index: int, make: Callable[[], Float32]) -> Float32:
        """Strip number `index`, made if it is not there."""
        with self._lock:
            strip = self._strips.get(index)
            if strip is not None:
                self._strips.move_to_end(index)
                return strip
        strip = make()
        strip.setflags(write=False)
        with self._lock:
            self._keep(index, strip)
        return strip

    def _keep(self, index: int, strip: Float32) -> None:
        if index in self._strips or strip.nbytes > self.limit_bytes:
            return
        self._strips[index] = strip
        self.used_bytes += strip.nbytes
        while self.used_bytes > self.limit_bytes:
            _, oldest = self._strips.popitem(last=False)
            self.used_bytes -= oldest.nbytes
