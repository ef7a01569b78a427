"""`bench detect`: the detections of a synthesized hour against its truth, by class.

Scenes of the demo's wetland, with seeds that no training used, are written as FLAC and analyzed by the command
`python -m analyzer --stream`, as a user would. Truth and detections are compared on each channel: a call is found if a
detection of its class overlaps it, and a detection is right if it overlaps a call of its class on one of its channels.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tidzam.demo.render import ECHO_S, write_scene
from tidzam.demo.scene import LABELS, AudibleEvent, Truth, read_truth
from tidzam.demo.scoring import MIN_SNR_DB
from tidzam.demo.wetland import wetland
from tidzam.errors import NodeError
from tidzam.progress import Say

TITLE = "recall and precision of detections in a synthesized hour, by class"

SCENE_S: Final = 300.0
FIRST_SEED: Final = 2001
"""The seeds of the demo's own scenes and of those that its classifiers were measured on are lower."""


@dataclass(frozen=True)
class FoundDetection:
    """A detection as the analyzer reports it; times are seconds from the beginning of the file."""

    path: tuple[str, ...]
    channels: tuple[int, ...]
    start_s: float
    end_s: float

    @classmethod
    def of(cls, row: dict[str, Any]) -> FoundDetection:
        """A row of `--json`."""
        channels = tuple(map(int, row["channels"].split()))
        return cls(tuple(row["path"].split(" > ")), channels, row["start_s"], row["end_s"])


@dataclass
class Tally:
    """Counts of one class: audible calls, those of them that were found, detections, and those that are right."""

    calls: int = 0
    found: int = 0
    detections: int = 0
    right: int = 0

    def figures(self) -> dict[str, float | int | None]:
        return {
            "calls": self.calls,
            "recall": round(self.found / self.calls, 4) if self.calls else None,
            "detections": self.detections,
            "precision": round(self.right / self.detections, 4) if self.detections else None,
        }


def run(
    say: Say,
    *,
    minutes: str = "60",
    channels: str = "4",
    overlap: str = "0",
    decision: str = "thresholds",
    min_windows: str = "1",
    max_gap_s: str = "0",
    hysteresis: str = "0",
    same_call_s: str = "1",
) -> dict[str, Any]:
    """Synthesize, analyze, compare. Options other than `minutes` and `channels` are settings of the analyzer.

    Calls less than 6 dB above everything else, in their best mel band, may be missed; a detection of one is right.
    """
    detections = {"min_windows": int(min_windows), "max_gap_s": float(max_gap_s), "hysteresis": float(hysteresis)}
    detections["same_call_s"] = float(same_call_s)
    settings = {"decision": decision, "overlap": float(overlap), "detections": detections}
    tallies = {label: Tally() for label in LABELS}
    left_s, seed = 60 * float(minutes), FIRST_SEED
    with tempfile.TemporaryDirectory(prefix="tidzam-detect-") as temporary:
        profile = Path(temporary) / "profile.yaml"
        profile.write_text(yaml.safe_dump({"analyzer": settings}), encoding="utf-8")
        while left_s > 0:
            scene = wetland(seed, duration_s=min(SCENE_S, left_s), channels=int(channels))
            say(f"scene {seed}: {scene.duration_s:.0f} s of {channels} channels")
            sound, truth = write_scene(Path(temporary), f"scene-{seed}", scene)
            add(tallies, read_truth(truth), _analyzed(sound, profile))
            sound.unlink()
            left_s, seed = left_s - SCENE_S, seed + 1
    for label, tally in tallies.items():
        say(_line(label, tally))
    total = _sum(tallies[label] for label in LABELS.roots)
    return {
        "minutes": float(minutes),
        "channels": int(channels),
        "decision": decision,
        "overlap": float(overlap),
        **detections,
        **total.figures(),
        "classes": {label: tally.figures() for label, tally in tallies.items()},
    }


def add(tallies: dict[str, Tally], truth: Truth, found: Sequence[FoundDetection]) -> None:
    """Count the calls and the detections of one scene, each for its class and for the classes above it."""
    for label, tally in tallies.items():
        calls = [event for event in truth.events if label in event.path]
        named = [detection for detection in found if label in detection.path]
        audible = [event for event in calls if event.snr_db >= MIN_SNR_DB or event.distance_m is None]
        tally.calls += len(audible)
        tally.found += sum(any(is_of(detection, event) for detection in named) for event in audible)
        tally.detections += len(named)
        tally.right += sum(any(is_of(detection, event) for event in calls) for detection in named)


def is_of(detection: FoundDetection, event: AudibleEvent) -> bool:
    """Whether a detection overlaps an event, echo included, on one of its channels."""
    ends_s = event.end_s if event.distance_m is None else event.end_s + ECHO_S
    overlaps = detection.start_s < ends_s and event.start_s < detection.end_s
    return overlaps and event.channel in detection.channels


def _analyzed(sound: Path, profile: Path) -> list[FoundDetection]:
    argv = [sys.executable, "-m", "analyzer", "--stream", str(sound), "--profile", str(profile), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"analyzer --stream {sound.name} ended with {done.returncode}: {done.stderr[-500:]}")
    return [FoundDetection.of(row) for row in json.loads(done.stdout)["detections"]]


def _line(label: str, tally: Tally) -> str:
    depth, figures = len(LABELS.path(label)) - 1, tally.figures()
    recall, precision = figures["recall"], figures["precision"]
    parts = f"{'  ' * depth + label:20}", f"{tally.calls:6d} calls", _percent("recall", recall)
    return "  ".join((*parts, f"{tally.detections:6d} detections", _percent("precision", precision)))


def _percent(name: str, value: float | int | None) -> str:
    return f"{name} {'    -' if value is None else f'{100 * value:4.1f}%'}"


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.calls += tally.calls
        total.found += tally.found
        total.detections += tally.detections
        total.right += tally.right
    return total
