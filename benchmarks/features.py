"""`bench features`: log-mel features as Tidzam extracts them, against the ways that others extract the same.

Each way runs in a process of its own, as in a program that uses it, on the same sound and the same number of threads.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import numpy as np

from benchmarks.feature_process import FeatureProcess, Turn
from benchmarks.feature_ways import WAYS
from benchmarks.rounds import take_turns
from tidzam.audio.features import FeatureSpec
from tidzam.demo.render import render
from tidzam.demo.wetland import wetland
from tidzam.progress import Say
from tidzam.types import Float32

TITLE = "log-mel features against SciPy, librosa and TensorFlow: cost of the same numbers"

SPEC: Final = FeatureSpec(
    rate_hz=48000, window_s=1.0, fft_length=1024, hop_length=480, n_mels=64, fmin_hz=50.0, fmax_hz=20000.0
)
WANTED: Final = {"scipy": 2.0, "librosa": 4.0, "tensorflow": 0.9}
"""How many times as fast as another way Tidzam should be."""
OTHERS: Final = tuple(name for name in WAYS if name != "tidzam")
SEED: Final = 2101


def run(say: Say, *, channels: str = "32", rounds: str = "15", threads: str = "2") -> dict[str, Any]:
    """Extract the features of one second of a synthesized scene at 48 kHz, in rounds in which each way has one turn.

    SciPy and librosa take one channel at a time, as is usual, or all channels of a thread at once (`batch`). Times are
    medians over the rounds. `cpu_ms` is processor time per second of one channel; `relative_difference` is the largest
    difference in power to Tidzam's features.
    """
    say(f"synthesizing {channels} channels")
    sound = render(wetland(SEED, duration_s=4.0, channels=int(channels), rate_hz=SPEC.rate_hz)).samples
    windows = np.ascontiguousarray(sound[:, SPEC.rate_hz : 2 * SPEC.rate_hz])
    with ExitStack() as stack:
        say(f"starting {', '.join(WAYS)}")
        ways = {name: stack.enter_context(FeatureProcess(name, SPEC, windows, threads=int(threads))) for name in WAYS}
        say(f"{rounds} rounds")
        turns = take_turns({name: way.turn for name, way in ways.items()}, rounds=int(rounds))
        found = {name: way.features for name, way in ways.items()}
    return {
        "channels": int(channels),
        "threads": int(threads),
        **summary(turns, channels=int(channels)),
        **{f"{name}_relative_difference": difference(found[name], found["tidzam"]) for name in OTHERS},
    }


def summary(turns: Mapping[str, Sequence[Turn]], *, channels: int) -> dict[str, float]:
    """The speed and the cost of each way, and the speed of Tidzam in relation to the others."""
    took_s = {name: statistics.median(turn.wall_s for turn in some) for name, some in turns.items()}
    cpu_s = {name: statistics.median(turn.cpu_s for turn in some) for name, some in turns.items()}
    return {
        **{f"{name}_channel_seconds_per_s": round(channels / seconds, 1) for name, seconds in took_s.items()},
        **{f"{name}_cpu_ms": round(1000 * seconds / channels, 3) for name, seconds in cpu_s.items()},
        **{f"speed_of_{name}": round(took_s[name] / took_s["tidzam"], 3) for name in OTHERS},
        **{f"wanted_speed_of_{name}": least for name, least in WANTED.items()},
    }


def difference(found: Float32, expected: Float32) -> float:
    """The largest relative difference of the powers of two features in dB."""
    return float(np.max(np.abs(np.power(10.0, (found.astype(np.float64) - expected) / 10) - 1)))
