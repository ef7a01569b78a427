"""`bench esc10`: the accuracy of the trainer's recipe on real recordings, from waveforms to decisions.

ESC-10 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015) has ten classes of clips of five
seconds, laid out by folds so that no recording is in two. A classifier is trained from scratch for each fold on
the others. The weights of its last step are used, so that nothing is chosen on the test fold, which training never
sees. The exported bundle classifies the clips: each is decoded, cut into windows, and assigned to the class with the
highest mean probability.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.errors import DatasetError, NodeError
from tidzam.progress import Say

TITLE = "accuracy on clips of real recordings, by cross-validation; or trained on one folder and tested on another"

DATA_VARIABLE = "TIDZAM_DATA"
FOLDS = (1, 2, 3, 4)
"""The fifth was held out while the recipe was developed."""

RECIPE = Path(__file__).parents[1] / "configs" / "training" / "accurate.yaml"


@dataclass(frozen=True)
class Esc10Clip:
    """A clip of five seconds; its file is named FOLD-RECORDING-TAKE.ogg and lies in the folder of its class."""

    path: Path
    label: str
    fold: int


@dataclass(frozen=True)
class FoldResult:
    """One classifier, trained and tested. `confusion[i][j]` counts the clips of class i predicted as class j."""

    accuracy: float
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    training_s: float


def run(
    say: Say,
    *,
    train: str = "",
    test: str = "",
    folds: str = ",".join(map(str, FOLDS)),
    iterations: str = "",
    seed: str = "0",
) -> dict[str, Any]:
    """With `train` and `test`, folders with one folder per class: train on the one, test on the other.

    Without: cross-validation over `FOLDS`, of which `folds` are tested. `iterations` shortens the recipe, `seed` seeds
    it. Raises DatasetError if there is no data, NodeError if the trainer fails.
    """
    more = ("--seed", seed, *(("--training-iterations", iterations) if iterations else ()))
    with tempfile.TemporaryDirectory(prefix="tidzam-esc10-") as temporary:
        work = Path(temporary)
        if train or test:
            if not (train and test):
                raise DatasetError("One of --train and --test is missing.", hint="Pass both.", code="data_missing")
            return _figures([_train_and_test(Path(train), Path(test), work / "bundle", more, say)], say)
        tested = {}
        clips = find_clips()
        for fold in map(int, folds.split(",")):
            others = lay_out(clips, set(FOLDS) - {fold}, work / f"train-{fold}")
            aside = lay_out(clips, {fold}, work / f"test-{fold}")
            tested[fold] = one = _train_and_test(others, aside, work / f"fold-{fold}", more, say)
            say(f"fold {fold}: {100 * one.accuracy:.2f} % of the clips, trained in {one.training_s:.0f} s")
        by_fold = {str(fold): one.accuracy for fold, one in tested.items()}
        return {"folds": by_fold, **_figures(list(tested.values()), say)}


def find_clips() -> list[Esc10Clip]:
    """All clips, by class and name. Raises DatasetError, which names the folder, if there are none."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get(DATA_VARIABLE, default)) / "esc10"
    paths = sorted(folder.glob("*/*.ogg"))
    if not paths:
        raise DatasetError(
            f"ESC-10 is not in {folder}.",
            hint=f"Put one folder per class there, with its clips, or set {DATA_VARIABLE} to the folder above esc10.",
            code="data_missing",
        )
    return [Esc10Clip(path, path.parent.name, int(path.name.partition("-")[0])) for path in paths]


def lay_out(clips: list[Esc10Clip], folds: Collection[int], folder: Path) -> Path:
    """Link the clips of `folds` into `folder`, one folder per class, as the trainer reads them. Returns `folder`."""
    for clip in clips:
        if clip.fold in folds:
            home = folder / clip.label
            home.mkdir(parents=True, exist_ok=True)
            (home / clip.path.name).symlink_to(clip.path.resolve())
    return folder


def _train_and_test(train: Path, test: Path, bundle: Path, more: Sequence[str], say: Say) -> FoldResult:
    """Train by the trainer's command on all of `train`, then evaluate the bundle on `test`.

    It also validates on the training data: the temperature must not be fitted to `test`, and nothing is held out.
    """
    say(f"training on {train}")
    started = time.monotonic()
    _trainer("-d", train, "-t", train, "-o", bundle, "--training-file", RECIPE, "--stats-step", 0, *more)
    training_s = time.monotonic() - started
    report = json.loads(_trainer("evaluate", bundle, test, "--json", captured=True))
    clips = report["clips"]
    confusion = tuple(tuple(row) for row in clips["confusion"])
    return FoldResult(clips["accuracy"], tuple(report["classes"]), confusion, training_s)


def _trainer(*words: object, captured: bool = False) -> str:
    argv = [sys.executable, "-m", "trainer", *map(str, words)]
    # Its progress goes to stderr, as this program's does: stdout is for figures.
    done = subprocess.run(argv, stdout=subprocess.PIPE if captured else sys.stderr, text=True, check=False)
    if done.returncode:
        raise NodeError("The trainer failed; its message is above.", code="training")
    return done.stdout or ""


def _figures(tested: Sequence[FoldResult], say: Say) -> dict[str, Any]:
    """The figures of all classifiers; `spread` is the standard deviation over them."""
    accuracies = [one.accuracy for one in tested]
    confusion = np.sum([one.confusion for one in tested], axis=0)
    say("true class (rows), predicted class (columns, in the same order)")
    for label, row in zip(tested[0].classes, confusion, strict=True):
        say(f"{label:>16} " + " ".join(f"{count:3d}" for count in row))
    return {
        "accuracy": round(float(np.mean(accuracies)), 4),
        "spread": round(float(np.std(accuracies)), 4),
        "clips": int(confusion.sum()),
        "classes": list(tested[0].classes),
        "confusion": confusion.tolist(),
        "training_s": [round(one.training_s) for one in tested],
    }
