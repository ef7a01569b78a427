"""`python -m benchmarks.stage_clock FILE`: `analyzer --stream FILE`, and the processor time of each of its stages.

The functions in which stages spend their time are replaced by ones that add up the processor time of their thread. All
windows are analyzed in this process, whose threads can be watched. The result is one line of JSON on standard output.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any, Final

STAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "decoding": ("soundfile:SoundFile.read",),
    "resampling": ("tidzam.audio.resample:soxr.resample",),
    "features": ("tidzam.audio.windows:extract",),
    "networks": ("tidzam.inference.onnx_engine:OnnxNetwork.predict",),
    "arrivals": ("tidzam.inference.channel_merger:arrival_differences",),
}
"""The functions of each stage, as MODULE:NAME in that module. None calls another one."""


class StageClock:
    """Adds up the processor time that the threads of this process spend in the functions of each stage, in seconds."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {}
        self.first_s: float | None = None
        """The processor time of the process when a stage began for the first time."""
        self._lock = threading.Lock()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, as a part of `stage`."""

        @functools.wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            if self.first_s is None:
                self.first_s = time.process_time()
            began_s = time.thread_time()
            try:
                return function(*args, **options)
            finally:
                took_s = time.thread_time() - began_s
                with self._lock:
                    self.spent_s[stage] = self.spent_s.get(stage, 0.0) + took_s

        return call

    def watch(self, stages: Mapping[str, tuple[str, ...]] = STAGES) -> None:
        """Replace the functions of all stages, for good."""
        for stage, names in stages.items():
            for name in names:
                owner, attribute = find(name)
                setattr(owner, attribute, self.timed(stage, getattr(owner, attribute)))


def find(name: str) -> tuple[Any, str]:
    """What holds the function MODULE:NAME, and its attribute."""
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, attribute = path.split(".")
    for part in outer:
        owner = getattr(owner, part)
    return owner, attribute


def shares(total_s: float, start_s: float, spent_s: Mapping[str, float]) -> dict[str, float]:
    """The share of each stage, of the start and of everything else in the processor time of an analysis. Pure.

    >>> shares(10.0, 1.0, {"decoding": 3.0, "networks": 5.0})
    {'start': 0.1, 'decoding': 0.3, 'networks': 0.5, 'own': 0.1}
    """
    own_s = total_s - start_s - sum(spent_s.values())
    parts = {"start": start_s, **spent_s, "own": own_s}
    return {name: round(seconds / total_s, 4) for name, seconds in parts.items()}


def main() -> None:
    """Analyze the file."""
    from analyzer.__main__ import app

    clock = StageClock()
    clock.watch()
    sys.argv = ["analyzer", "--stream", sys.argv[1], "--json"]
    with redirect_stdout(io.StringIO()):
        app(standalone_mode=False)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    children_s = children.ru_utime + children.ru_stime
    total_s, start_s = time.process_time() + children_s, (clock.first_s or 0.0) + children_s
    figures = {"cpu_s": round(total_s, 3), "shares": shares(total_s, start_s, clock.spent_s)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
