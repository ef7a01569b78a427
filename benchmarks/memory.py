"""The memory of the live analyzer and its capture process, by number of channels and by what it is for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.harness import LiveAnalyzer, analyzer, feeder, jack_server, program, wait_for
from benchmarks.process_memory import MemoryUse, memory_of
from tidzam.config.settings import JackSettings
from tidzam.errors import NodeError
from tidzam.text import comma_list

TITLE = "memory of the live analyzer by number of channels and by what it is for, and what it gives back afterwards"

RATE_HZ = 48000
PERIOD = 2048
_IMPORTS = "import analyzer.__main__, analyzer.app"
_CASCADE = f"{_IMPORTS}; from analyzer.pipeline import Pipeline; pipeline = Pipeline.load()"
_STAY = "; print('ready', flush=True); input()"
_GIVEN_BACK_S = 30.0


def run(say: Callable[[str], None], *, channels: str = "4,64,128", seconds: str = "20") -> dict[str, Any]:
    """Proportional set size, in which memory that processes share is divided among them. First that of a process that
    imports what the analyzer imports, and of one that has loaded the demo's cascade; then that of the analyzer and its
    capture process with each number of `channels`, after `seconds` of analysis; then after all channels have ended."""
    counts = [int(count) for count in comma_list(channels)]
    say("imports and cascade")
    figures: dict[str, Any] = {"imports_mb": _idle_mb(_IMPORTS), "cascade_mb": _idle_mb(_CASCADE)}
    with jack_server(rate_hz=RATE_HZ, period=PERIOD) as server:
        for count in counts:
            say(f"{count} channels, {seconds} s")
            figures[f"channels_{count}"] = _live(server, count, float(seconds))
    return figures


def _idle_mb(code: str) -> float:
    with program([sys.executable, "-c", code + _STAY], {}, ready=b"ready") as process:
        return round(memory_of(process.pid).total / 1e6, 1)


def _live(server: JackSettings, channels: int, seconds: float) -> dict[str, Any]:
    with analyzer(server, "feeder:") as listener:
        with feeder(server, f"--channels={channels}"):
            listener.wait(channels=channels)
            time.sleep(seconds)
            first, second = _memory(listener)
        wait_for(lambda: _memory(listener)[1].ring < second.ring / 10 + 4e6, "Memory is not given back.")
        return {
            **first.in_mb("analyzer"),
            **second.in_mb("capture"),
            "together_mb": round((first + second).total / 1e6, 1),
            "afterwards_mb": round(sum((one.total for one in _memory(listener)), 0) / 1e6, 1),
        }


def _memory(listener: LiveAnalyzer) -> tuple[MemoryUse, MemoryUse]:
    """That of the analyzer, and that of its capture process."""
    health = listener.health()
    if health is None or health.capture_pid is None:
        raise NodeError("The analyzer ended.", hint="Run it by itself to see why.")
    return memory_of(listener.pid), memory_of(health.capture_pid)


if __name__ == "__main__":
    print(run(print))
