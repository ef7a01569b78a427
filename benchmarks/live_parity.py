"""`bench live-parity`: real clips through HTTP, mpv, JACK and the live analyzer, against the same files offline.

A classifier is trained on folds 1 to 3 of ESC-10. Fold 4 is played, several clips at a time, as HTTP sources of a node
of the benchmark's own, and its `sys` events are collected; then each file goes through `python -m analyzer --stream`.
Both decide for the class with the highest mean probability over the clip's windows. What JACK carried is recorded and
compared with the decoded clip, sample by sample.
"""

from __future__ import annotations

import asyncio
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.alignment import LOW_DB, Fidelity
from benchmarks.esc10 import Esc10Clip, find_clips, lay_out
from benchmarks.playback import WINDOW_S, PlayedClip, play
from tidzam.bundle import SELECTOR, read_bundle, rewrite_manifest
from tidzam.errors import NodeError
from tidzam.progress import Say

TITLE = "real clips, live through HTTP, mpv and JACK, against the same files offline"

Probabilities = Mapping[str, float]

TRAIN_FOLDS = (1, 2, 3)
TEST_FOLD = 4
ITERATIONS = 1200
OVERLAP = 0.9
"""Many windows per clip, because live analysis begins at any point of it. That alone changes one or two decisions."""
SEED = 1


def run(say: Say) -> dict[str, Any]:
    """Train, play, compare. Needs the data that `benchmarks.esc10` looks for, and a quarter of an hour on two cores."""
    clips = find_clips()
    tested = [clip for clip in clips if clip.fold == TEST_FOLD]
    with tempfile.TemporaryDirectory(prefix="tidzam-parity-") as temporary:
        work = Path(temporary)
        _train(clips, work, say)
        say(f"analyzing {len(tested)} files offline")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            offline = list(pool.map(lambda clip: _analyze_file(clip, work), tested))
        say(f"playing {len(tested)} clips live")
        live = asyncio.run(play(tested, work, overlap=OVERLAP, say=say))
    figures = {**compare(tested, offline, live.played), "lost_frames": live.lost_frames}
    _print_confusions(figures, say)
    return figures


def compare(
    clips: Sequence[Esc10Clip], offline: Sequence[Probabilities], played: Sequence[PlayedClip]
) -> dict[str, Any]:
    """The figures, from the decisions on each clip, offline and live. A clip without a whole window counts as wrong."""
    classes = sorted({clip.label for clip in clips})
    right = [clip.label for clip in clips]
    said_offline = [_likeliest(one) for one in offline]
    said_live = [_likeliest(one.probabilities) for one in played]
    accuracy_offline, accuracy_live = _accuracy(right, said_offline), _accuracy(right, said_live)
    snr_db = np.array([one.fidelity.snr_db for one in played])
    return {
        "clips": len(clips),
        "accuracy_live": accuracy_live,
        "accuracy_offline": accuracy_offline,
        "difference_points": round(100 * abs(accuracy_live - accuracy_offline), 2),
        "same_decision": _accuracy(said_offline, said_live),
        "windows_per_clip": round(float(np.mean([one.windows for one in played])), 2),
        "snr_db_median": round(float(np.median(snr_db)), 1),
        "snr_db_min": round(float(snr_db.min()), 1),
        "snr_db_low": {
            clip.path.name: reason(one.fidelity)
            for clip, one in zip(clips, played, strict=True)
            if one.fidelity.snr_db < LOW_DB
        },
        "recorded_share_median": round(float(np.median([one.fidelity.share for one in played])), 4),
        "classes": classes,
        "confusion_live": _confusion(classes, right, said_live),
        "confusion_offline": _confusion(classes, right, said_offline),
    }


def reason(fidelity: Fidelity) -> str:
    """How a recording differs from what was played, whether because of the player, JACK or the recorder.

    `lost_frames` beside it is what the analyzer's own capture missed.
    """
    if fidelity.share == 0:
        return "nothing was recorded"
    if fidelity.wrong_s < 0.25:
        return f"{fidelity.snr_db:.0f} dB: only {1000 * fidelity.wrong_s:.0f} ms differ"
    return f"{fidelity.snr_db:.0f} dB: {fidelity.wrong_s:.1f} s differ, as when sound is shifted after a break"


def _train(clips: list[Esc10Clip], work: Path, say: Say) -> None:
    """Train the classifier, and have it name every class in every window, so that no probability is left out."""
    bundle_folder = work / "nn" / SELECTOR
    train = lay_out(clips, TRAIN_FOLDS, work / "train")
    test = lay_out(clips, (TEST_FOLD,), work / "test")
    say(f"training on folds {TRAIN_FOLDS}: {ITERATIONS} steps")
    argv = [sys.executable, "-m", "trainer", "-d", str(train), "-t", str(test), "-o", str(bundle_folder)]
    argv += ["--activation", "softmax", "--window-s", str(WINDOW_S), "--seed", str(SEED)]
    argv += ["--training-iterations", str(ITERATIONS), "--testing-step", "100"]
    if subprocess.run(argv, check=False).returncode:
        raise NodeError("Training failed; its message is above.", code="training")
    bundle = read_bundle(bundle_folder)
    rewrite_manifest(bundle, thresholds=dict.fromkeys(bundle.manifest.classes, 0.0))


def _analyze_file(clip: Esc10Clip, work: Path) -> Probabilities:
    """The mean probability of each class over the windows of a file, by the analyzer's own command."""
    table = work / f"{clip.path.stem}.csv"
    argv = [sys.executable, "-m", "analyzer", "--stream", str(clip.path), "--nn", str(work / "nn")]
    argv += ["--overlap", str(OVERLAP), "--csv", str(table)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"analyzer --stream {clip.path.name} ended with {done.returncode}: {done.stderr[-500:]}")
    with table.open(newline="", encoding="utf-8") as file:
        return {row["class"]: float(row["mean"]) for row in csv.DictReader(file)}


def _likeliest(probabilities: Probabilities) -> str:
    return max(probabilities, key=lambda label: probabilities[label]) if probabilities else "nothing"


def _accuracy(right: Sequence[str], said: Sequence[str]) -> float:
    return round(sum(a == b for a, b in zip(right, said, strict=True)) / len(right), 4)


def _confusion(classes: Sequence[str], right: Sequence[str], said: Sequence[str]) -> list[list[int]]:
    """Row: true class; column: predicted class."""
    pairs = list(zip(right, said, strict=True))
    return [[pairs.count((row, column)) for column in classes] for row in classes]


def _print_confusions(figures: Mapping[str, Any], say: Say) -> None:
    classes = figures["classes"]
    for way in ("live", "offline"):
        say(f"{way}: true class (rows), predicted class (columns, in the same order)")
        for label, row in zip(classes, figures[f"confusion_{way}"], strict=True):
            say(f"{label:>16} " + " ".join(f"{count:3d}" for count in row))
