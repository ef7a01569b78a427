"""Background that probably holds calls which nobody annotated. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from trainer.openset.labeled_windows import groups_for, targets_for
from trainer.openset.learning import EmbeddedWindows
from trainer.openset.recognizer import fit_recognizer

LIKE: Final = 0.25
"""Background is like a tag if a recognizer prefers it to this share of the tag's own windows, which it has not seen."""
MOST: Final = 0.3
"""The share of the background that is left out at most."""
_ROUNDS: Final = 3
"""Each round finds calls that those of the rounds before concealed from it."""


def without_unannotated_calls(data: EmbeddedWindows, tags: Sequence[str]) -> EmbeddedWindows:
    """The same without the background for training that resembles a tag more than most of its own windows do.

    Of sound that was not annotated completely, some holds the very calls that are to be recognized. As background it
    would teach to reject them, and count as false alarms. What somebody states to be background stays, and so does
    background for the test.
    """
    allowed = int(MOST * sum(one.use == "train-background" for one in data.windows))
    for _ in range(_ROUNDS):
        rows = _alike(data, tags)[:allowed]
        if not rows:
            break
        allowed -= len(rows)
        gone = set(rows)
        kept = [row for row in range(len(data.windows)) if row not in gone]
        data = EmbeddedWindows(tuple(data.windows[row] for row in kept), data.values[kept])
    return data


def _alike(data: EmbeddedWindows, tags: Sequence[str]) -> list[int]:
    """The rows of background that is like a tag, the most alike first."""
    rows = np.array([row for row, one in enumerate(data.windows) if one.use in ("train", "train-background")], np.int64)
    windows = [data.windows[row] for row in rows]
    is_background = np.array([one.is_background and not one.is_stated for one in windows], bool)
    targets = targets_for(windows, tags)
    if not is_background.any() or targets.all(axis=0).any():
        return []
    scores = fit_recognizer(data.values[rows], targets, groups_for(windows)).held_out
    limits = [np.quantile(scores[targets[:, k] > 0, k], LIKE) for k in range(len(tags))]
    excess = np.where(is_background, np.max(scores - np.array(limits), axis=1), -1.0)
    order = np.argsort(-excess, kind="stable")
    return [int(row) for row in rows[order[: np.count_nonzero(excess >= 0)]]]
