"""`bench cascade`: an hour of eight channels through `analyzer --stream`, beside the plain way to do the same.

The command decodes FLAC, resamples, extracts features, runs the demo's cascade and reports detections, and is timed as
a whole, its start included. The plain way (`benchmarks.plain_way`) is timed on a sample of the same windows in the same
rounds, without its start, and extrapolated.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from benchmarks import birdnet
from benchmarks.plain_way import PlainWay
from tidzam.audio.windows import window_features
from tidzam.bundle import cascade_folders, read_bundle
from tidzam.demo.render import render
from tidzam.demo.wetland import wetland
from tidzam.errors import NodeError
from tidzam.inference.loading import load_networks
from tidzam.paths import HOME_ENV
from tidzam.progress import Say
from tidzam.types import Float32

TITLE = "an hour of 8 channels in FLAC, start-up included, against librosa and keras predict, and BirdNET"

RATE_HZ: Final = 44100
SCENE_S: Final = 60.0
"""The scene that is repeated: its end joins its beginning."""
SEED: Final = 2201
WANTED: Final = 2000.0
"""Channel-seconds per second that are wanted on two cores."""


@dataclass(frozen=True)
class CommandCost:
    """What a command took: `wall_s` seconds, and `cpu_s` seconds of processor time with its children."""

    wall_s: float
    cpu_s: float


def run(
    say: Say,
    *,
    minutes: str = "60",
    channels: str = "8",
    rounds: str = "3",
    plain_windows: str = "24",
    with_birdnet: str = "yes",
) -> dict[str, Any]:
    """Synthesize the recording, and analyze it `rounds` times by command, in turns with `plain_windows` windows of the
    plain way. Figures are medians over the rounds.

    The command is first run on one second of the recording, twice: `first_start_s` is with a new home and nothing
    compiled, `start_s` as from then on, since Python keeps compiled modules, and the home the trials that networks have
    passed. `shares` are those of processor time, in one more run: `arrivals` are the arrival times of calls on several
    channels, and `own` is all that is not in another share. BirdNET is compared as by `bench birdnet`; `--with-birdnet
    no` leaves it out.
    """
    with tempfile.TemporaryDirectory(prefix="tidzam-cascade-") as temporary:
        recording = Path(temporary) / "hour.flac"
        say(f"synthesizing {minutes} minutes of {channels} channels")
        sound = write_recording(recording, minutes=float(minutes), channels=int(channels))
        windows = some_windows(sound, int(plain_windows))
        channel_seconds = soundfile.info(recording).duration * int(channels)
        commands = Commands(Path(temporary))
        second = write_second(Path(temporary) / "second.flac", sound)
        starts = [commands.cost("analyzer", "--stream", str(second), "--json") for _ in range(2)]
        say("loading the models of the plain way")
        plain = PlainWay([read_bundle(folder) for folder in cascade_folders(None, ())])
        plain(windows[0], RATE_HZ)  # TensorFlow compiles the models with their first window
        costs, plain_s = [], []
        for number in range(int(rounds)):
            costs.append(commands.cost("analyzer", "--stream", str(recording), "--json"))
            began_s = time.perf_counter()
            outputs = [plain(window, RATE_HZ) for window in windows]
            plain_s.append((time.perf_counter() - began_s) / len(windows))
            say(f"round {number + 1}: {costs[-1].wall_s:.1f} s, {costs[-1].cpu_s:.1f} s of processor time")
        say("one more run for the shares of the stages")
        shares = json.loads(commands.output("benchmarks.stage_clock", str(recording)))["shares"]
    speed = channel_seconds / statistics.median(cost.wall_s for cost in costs)
    plain_speed = 1 / statistics.median(plain_s)
    return {
        "channel_seconds": round(channel_seconds),
        "channel_seconds_per_s": round(speed, 1),
        "wanted_channel_seconds_per_s": WANTED,
        "channel_seconds_per_cpu_s": round(channel_seconds / statistics.median(cost.cpu_s for cost in costs), 1),
        "first_start_s": round(starts[0].wall_s, 2),
        "start_s": round(starts[1].wall_s, 2),
        "shares": shares,
        "plain_channel_seconds_per_s": round(plain_speed, 2),
        "plain_hours_extrapolated": round(channel_seconds / plain_speed / 3600, 2),
        "speed_of_plain": round(speed / plain_speed, 1),
        "plain_difference": plain_difference(windows, outputs),
        **(_birdnet(say) if with_birdnet == "yes" else {}),
    }


def write_recording(path: Path, *, minutes: float, channels: int) -> Float32:
    """Write a FLAC file of 16 bits: a synthesized scene, again and again. Returns the scene, (channels, frames)."""
    scene = wetland(SEED, duration_s=min(SCENE_S, 60 * minutes), channels=channels, rate_hz=RATE_HZ)
    samples = render(scene).samples
    frames, block = round(60 * minutes * RATE_HZ), np.ascontiguousarray(samples.T)
    with soundfile.SoundFile(path, "w", samplerate=RATE_HZ, channels=channels, format="FLAC", subtype="PCM_16") as file:
        while frames > 0:
            file.write(block[:frames])
            frames -= len(block)
    return samples


def write_second(path: Path, sound: Float32) -> Path:
    """Write the first second of a scene (channels, frames)."""
    soundfile.write(path, sound[:, :RATE_HZ].T, RATE_HZ, format="FLAC", subtype="PCM_16")
    return path


def some_windows(sound: Float32, count: int) -> Float32:
    """`count` windows of one second, (count, RATE_HZ), spread over a scene's seconds and channels."""
    seconds = sound.shape[1] // RATE_HZ
    by_second = sound[:, : seconds * RATE_HZ].reshape(-1, RATE_HZ)
    found: Float32 = by_second[np.linspace(0, len(by_second) - 1, count).round().astype(int)]
    return found


class Commands:
    """Runs `python -m …` with a home and compiled modules of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        self._environment = {**os.environ, HOME_ENV: str(folder / "home"), **compiled}

    def cost(self, *words: str) -> CommandCost:
        """What `python -m WORDS` takes. Raises NodeError if it fails."""
        began_s, before = time.perf_counter(), os.times()
        self.output(*words)
        after = os.times()
        cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
        return CommandCost(time.perf_counter() - began_s, cpu_s)

    def output(self, *words: str) -> str:
        """What `python -m WORDS` prints. Raises NodeError if it fails."""
        argv = [sys.executable, "-m", *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=self._environment)
        if done.returncode:
            raise NodeError(f"python -m {' '.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")
        return done.stdout


def plain_difference(windows: Float32, outputs: list[list[Float32]]) -> float:
    """The largest difference between probabilities of the plain way and those of the networks as Tidzam runs them."""
    bundles = [read_bundle(folder) for folder in cascade_folders(None, ())]
    features = window_features(windows, RATE_HZ, bundles[0].manifest.feature_spec)
    differences = [
        float(np.abs(network.predict(features) - np.stack([row[number] for row in outputs])).max())
        for number, network in enumerate(load_networks(bundles))
    ]
    return max(differences)


def _birdnet(say: Say) -> dict[str, Any]:
    found = birdnet.run(say)
    return {f"birdnet_{name}": found[name] for name in ("bare_ms_per_window", "tidzam_ms_per_window", "speed_of_bare")}
