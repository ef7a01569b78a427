"""`bench label-next`: what labels that are chosen teach, against as many that are chosen at random.

Three of ESC-10's ten classes are tags, of which few clips are in the pool, as the calls of a rare animal are; all clips
of the other classes are background. A person is simulated who labels the windows that are offered, in rounds: after
each, recognizers are trained on what has been labeled, and tested on a fold that no label comes from. The score is the
mean average precision of the tags there, 0 for tags that have no label yet.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.esc10 import FOLDS, find_clips
from benchmarks.openset import OpenSetData, embedded_clips, find_base
from tidzam.errors import DatasetError
from tidzam.metrics import pr_curve
from tidzam.progress import Say
from tidzam.sound_index.label_next import choose, directions, uncertainty
from trainer.openset.learning import EmbeddedWindows, TrainedTags, learn

TITLE = "what labels chosen by `label next` teach, against random ones"

TAGS: Final = 3
ROUNDS: Final = 4
PER_ROUND: Final = 10
RARE: Final = 6
"""Clips of a tag in the pool."""


def run(say: Say, *, bases: str = "birdnet,selector", draws: str = "10", seed: str = "0") -> dict[str, Any]:
    """ESC-10 is looked for in ../shared/data/esc10 or $TIDZAM_DATA/esc10. BirdNET is left out if LiteRT is missing."""
    clips = find_clips()
    labels = sorted({clip.label for clip in clips})
    chosen = random.Random(int(seed)).sample(list(combinations(labels, TAGS)), int(draws))
    figures: dict[str, Any] = {"draws": int(draws), "labels_per_round": PER_ROUND, "clips_per_tag": RARE}
    for name in bases.split(","):
        bundle = find_base(name)
        if bundle is None:
            say(f"{name} is left out: LiteRT is not installed")
            continue
        say(f"{name}: computing embeddings")
        data = embedded_clips(bundle, clips)
        for way in ("random", "chosen"):
            say(f"{name}: {way}, {draws} draws")
            scores = np.array([_draw(data, tags, way, number) for number, tags in enumerate(chosen)])
            means = scores.mean(axis=0).round(3).tolist()
            figures |= {f"{name}_{way}_{PER_ROUND * (k + 1)}": one for k, one in enumerate(means)}
    return figures


def _draw(data: OpenSetData, tags: Sequence[str], way: str, seed: int) -> list[float]:
    """The mean average precision after each round."""
    generator = np.random.default_rng(seed)
    fold = FOLDS[seed % len(FOLDS)]
    pool, test = _pool(data, tags, fold, generator), np.flatnonzero(data.folds == fold)
    labeled: list[int] = []
    trained: TrainedTags | None = None
    scores = []
    for _ in range(ROUNDS):
        free = np.setdiff1d(pool, labeled)
        if way == "random":
            found = generator.choice(free, PER_ROUND, replace=False)
        else:
            found = free[_chosen(data, free, labeled, trained)]
        labeled += found.tolist()
        trained = _trained(data, labeled, tags)
        scores.append(_score(data, test, tags, trained))
    return scores


def _pool(data: OpenSetData, tags: Sequence[str], fold: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """The windows that can be labeled: of the other folds, with few clips of each tag."""
    windows = data.embedded.windows
    kept: set[Any] = set()
    for tag in tags:
        paths = sorted(
            {one.window.path for row, one in enumerate(windows) if one.tag == tag and data.folds[row] != fold}
        )
        kept |= {paths[number] for number in generator.permutation(len(paths))[:RARE]}
    return np.array(
        [
            row
            for row, one in enumerate(windows)
            if data.folds[row] != fold and (one.tag not in tags or one.window.path in kept)
        ]
    )


def _chosen(
    data: OpenSetData, free: NDArray[np.int64], labeled: Sequence[int], trained: TrainedTags | None
) -> NDArray[np.int64]:
    values = data.embedded.values
    center = values[np.concatenate([free, np.array(labeled, np.int64)])].mean(axis=0)
    worth = np.ones(len(free), np.float32)
    if trained is not None:
        thresholds = np.array([trained.thresholds[tag] for tag in trained.tags])
        worth = uncertainty(trained.recognizer.layer.probabilities(values[free]), thresholds)
    return choose(directions(values[free], center), directions(values[list(labeled)], center), worth, PER_ROUND)


def _trained(data: OpenSetData, labeled: Sequence[int], tags: Sequence[str]) -> TrainedTags | None:
    """Recognizers of the tags that have labels of two recordings; None if there are none, or nothing else."""
    windows = [data.embedded.windows[row] for row in labeled]
    known = [tag for tag in tags if len({one.window.path for one in windows if one.tag == tag}) > 1]
    if not known:
        return None
    made = tuple(
        one if one.tag in known else replace(one, tag="", use="train-background", heard=frozenset()) for one in windows
    )
    try:
        embedded = EmbeddedWindows(made, data.embedded.values[list(labeled)])
        return learn(embedded, known, window_s=data.window_s, synthetic=data.synthetic)
    except DatasetError:  # too few of everything
        return None


def _score(data: OpenSetData, test: NDArray[np.int64], tags: Sequence[str], trained: TrainedTags | None) -> float:
    if trained is None:
        return 0.0
    probabilities = trained.recognizer.layer.probabilities(data.embedded.values[test])
    truth = [data.embedded.windows[row].tag for row in test]
    found = [
        pr_curve(np.array([one == tag for one in truth]), probabilities[:, number]).average_precision
        for number, tag in enumerate(trained.tags)
    ]
    return float(sum(found) / len(tags))
