"""A process that extracts features in one way, turn by turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final, Self

from benchmarks.feature_ways import WAYS, Reference
from tidzam.allocator import keep_freed_memory
from tidzam.audio.features import FeatureSpec
from tidzam.errors import NodeError
from tidzam.types import Float32

WARM_UP_S: Final = 0.3
TIMED_S: Final = 0.15
"""A turn: untimed calls, then timed ones. Meanwhile the idle threads of TensorFlow in the process before stop waiting
actively, and the kernel notices that there is work for more than one core."""
ONE_BLAS_THREAD: Final = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
"""The pools of threads are busy with whole channels: further threads for the matrix product of one are in their way."""


@dataclass(frozen=True)
class Turn:
    """What one call took on average: time on the clock, and processor time of all threads."""

    wall_s: float
    cpu_s: float


class FeatureProcess:
    """Extracts the features of `windows` in the way `name`, in a process that runs while the context is open.

    `features` are the results of the way, (channels, frames, mels) in dB. Raises NodeError if the process ends.
    """

    features: Float32

    def __init__(self, name: str, spec: FeatureSpec, windows: Float32, *, threads: int) -> None:
        self._name = name
        start = get_context("spawn")  # a fork would inherit the libraries that this process has loaded
        self._connection, other = start.Pipe()
        arguments = (other, name, spec, windows, threads)
        self._process = start.Process(target=_take_turns, args=arguments, name=name, daemon=True)
        self._other = other

    def __enter__(self) -> Self:
        with _environment(ONE_BLAS_THREAD):
            self._process.start()
        self._other.close()
        self.features = self._receive()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join()

    def turn(self) -> Turn:
        """Extract again and again for a while, and say what it took."""
        self._connection.send(None)
        turn: Turn = self._receive()
        return turn

    def _receive(self) -> Any:
        try:
            return self._connection.recv()
        except EOFError:
            raise NodeError(f"The process of {self._name} ended.", hint="Its error output says why.") from None


def _take_turns(connection: Connection, name: str, spec: FeatureSpec, windows: Float32, threads: int) -> None:
    """The process: send the features, then a Turn for each request, until the connection closes."""
    keep_freed_memory()  # for every way: else luck decides which of them the kernel gives new pages in each call
    with ThreadPoolExecutor(threads) as pool:
        way = WAYS[name](Reference(spec), pool, threads)
        connection.send(way(windows))
        with suppress(EOFError):
            while True:
                connection.recv()
                _repeat(lambda: way(windows), WARM_UP_S)
                connection.send(_repeat(lambda: way(windows), TIMED_S))


def _repeat(call: Callable[[], object], seconds: float) -> Turn:
    """Call at least once, and for `seconds`."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    calls = 0
    while not calls or time.perf_counter() - began_s < seconds:
        call()
        calls += 1
    return Turn((time.perf_counter() - began_s) / calls, (time.process_time() - began_cpu_s) / calls)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables that hold while the context is open, and that a process started meanwhile inherits."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
