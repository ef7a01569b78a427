"""`tidzam demo train`: synthesize sound, train the demo's classifiers on it, and measure them on other scenes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidzam.bundle import SELECTOR, Bundle, read_bundle, rewrite_manifest
from tidzam.demo.render import render
from tidzam.demo.scene import LABELS, SILENCE
from tidzam.demo.scoring import MIN_OVERLAP_S, MIN_SNR_DB, score
from tidzam.demo.sounds import write_training_folders
from tidzam.demo.wetland import wetland
from tidzam.errors import NodeError
from tidzam.paths import training_folder

SCENE_SEEDS = (1001, 1002, 1003, 1004, 1005)
"""Scenes to measure on. The voices of training clips are drawn from another stream of seeds, whatever theirs is."""

DATA = (
    "synthesized scenes only, with other seeds than the training; the figures do not apply to real recordings. "
    f"A window counts if an event fills it for {MIN_OVERLAP_S:g} s or more, {MIN_SNR_DB:g} dB above the rest in the "
    "event's best mel band, or not at all."
)


@dataclass(frozen=True)
class Lesson:
    """The training of one classifier of the demo: its folder of training data, and the number of batches."""

    name: str
    folder: str
    iterations: int


LESSONS = (Lesson(SELECTOR, ".", 1500), Lesson("birds", "birds", 1200), Lesson("frogs", "frogs", 600))


def train_bundles(
    out: Path,
    *,
    seed: int = 1,
    say: Callable[[str], None] = print,
    lessons: Sequence[Lesson] = LESSONS,
    clips: int = 80,
    scene_seeds: Sequence[int] = SCENE_SEEDS,
) -> dict[str, Any]:
    """Train the selector and both experts into `out`, one bundle each, and measure them. Returns the metrics.

    `clips` is the number of training clips per voice.

    Raises NodeError if a training fails.
    """
    with tempfile.TemporaryDirectory(prefix="tidzam-demo-") as temporary:
        write_training_folders(Path(temporary) / "sounds", seed=seed, clips=clips, say=say)
        for lesson in lessons:
            say(f"training {lesson.name}")
            # From that folder, so that the bundle names `sounds` and not a temporary folder.
            _train(trainer_argv(lesson, Path("sounds"), out.resolve() / lesson.name, seed), folder=Path(temporary))
            shutil.rmtree(training_folder(out / lesson.name))  # what it keeps of the training itself
    say("measuring on scenes of other seeds")
    return measure({lesson.name: read_bundle(out / lesson.name) for lesson in lessons}, seeds=scene_seeds)


def trainer_argv(lesson: Lesson, sounds: Path, out: Path, seed: int) -> list[str]:
    """The trainer's command line: an expert is trained with all other voices as background."""
    argv = [sys.executable, "-P", "-m", "trainer", "--dataset-train", str(sounds / lesson.folder), "--out", str(out)]
    argv += ["--training-iterations", str(lesson.iterations), "--testing-step", "100", "--seed", str(seed)]
    argv += ["--stats-step", "0"]
    if lesson.name == SELECTOR:
        return [*argv, "--exclusive", SILENCE]
    for label in LABELS.roots:
        if label != lesson.name:
            argv += ["--background", str(sounds / label)]
    return argv


def measure(bundles: dict[str, Bundle], *, seeds: Sequence[int]) -> dict[str, Any]:
    """Score `bundles` together on scenes, and write the metrics to their manifests."""
    scores = score(bundles, (render(wetland(seed)) for seed in seeds))
    for name, bundle in bundles.items():
        scenes = {"data": DATA, "seeds": list(seeds), **scores[name]}
        rewrite_manifest(bundle, accuracy={**bundle.manifest.accuracy, "scenes": scenes})
    return scores


def _train(argv: list[str], *, folder: Path) -> None:
    """Run the trainer, its progress on this terminal: it imports TensorFlow, which this process must not."""
    done = subprocess.run(argv, check=False, cwd=folder, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    if done.returncode:
        raise NodeError(
            f"The trainer ended with {done.returncode}.",
            hint="Its message is above. Without TensorFlow, install the extra: pip install 'tidzam[train]'.",
            code="training",
        )
