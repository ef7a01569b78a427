"""`bench openset`: open-set recognition on real recordings, of classes that were never trained.

In each draw, three of ESC-10's ten classes are kept out; the others are tags. Recognizers are trained on three of four
folds and tested on the fourth, so that no recording is in both. What a listener would annotate is a window within 30 dB
of the loudest one of its clip. There are two ways of training:

- `unseen`: on the tags alone. Nothing that is like the unknown sounds is known;
- `background`: clips of the classes that were kept out, from the folds for training, are background without a tag, as
  are the unannotated sounds of a place in the recordings of background days.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.special
from numpy.typing import NDArray

from benchmarks.esc10 import FOLDS, Esc10Clip, find_clips
from tests.support.birdnet import installed_birdnet
from tidzam.audio.files import read_audio
from tidzam.bundle import Bundle, read_bundle
from tidzam.embeddings.cache import EmbeddingCache
from tidzam.embeddings.network import open_embedding_network
from tidzam.embeddings.windows import AudioWindow, embed_windows
from tidzam.errors import SetupError
from tidzam.inference.engines import find_engine
from tidzam.metrics import precision_recall_f1, roc_curve
from tidzam.open_set import false_alarms, recognized
from tidzam.paths import DEMO_BUNDLES
from tidzam.progress import Say
from tidzam.types import Float32
from trainer.openset.app import OpenSetOptions, train_open_set
from trainer.openset.labeled_windows import LabeledWindow, window_starts_s
from trainer.openset.learning import EmbeddedWindows, learn, truth_of
from trainer.openset.synthetic import synthetic_embeddings

TITLE = "open-set recognition with three classes kept out: known against unknown, and false alarms"

KEPT_OUT: Final = 3
CLIP_S: Final = 5.0
WAYS: Final = ("unseen", "background")
_QUIETER_DB: Final = 30.0
_ANNOTATIONS: Final = 500


@dataclass(frozen=True)
class OpenSetData:
    """The windows of all clips, with their classes as tags, their embeddings, and the fold of each; and embeddings of
    synthetic sounds (m, values)."""

    embedded: EmbeddedWindows
    folds: NDArray[np.int64]
    window_s: float
    synthetic: Float32


@dataclass(frozen=True)
class _Scores:
    """Test windows: `truth` and `found` as numbers of tags (their number: unknown), the highest probability and its
    tag, and the number of each window's clip."""

    truth: NDArray[np.int64]
    found: NDArray[np.int64]
    best: NDArray[np.int64]
    highest: NDArray[np.float64]
    clips: NDArray[np.int64]


def run(say: Say, *, bases: str = "birdnet,selector", draws: str = "10", seed: str = "0") -> dict[str, Any]:
    """ESC-10 is looked for in ../shared/data/esc10 or $TIDZAM_DATA/esc10. BirdNET is left out if LiteRT is missing.

    Raises DatasetError if there is no data.
    """
    clips = find_clips()
    figures: dict[str, Any] = {"draws": int(draws), "kept_out": KEPT_OUT, "clips": len(clips)}
    for name in bases.split(","):
        bundle = find_base(name)
        if bundle is None:
            say(f"{name} is left out: LiteRT is not installed")
            continue
        say(f"{name}: computing embeddings")
        data = embedded_clips(bundle, clips)
        for way in WAYS:
            say(f"{name}, {way}: {draws} draws of {len(FOLDS)} folds")
            found = [_draw(data, kept_out, way) for kept_out in _draws(clips, int(draws), int(seed))]
            figures |= {f"{name}_{way}_{key}": value for key, value in _summary(found).items()}
        figures |= {f"{name}_{key}": value for key, value in _training_s(bundle, clips, say).items()}
    return figures


def find_base(name: str) -> Bundle | None:
    """A bundle of the demo, or BirdNET; None if LiteRT is missing."""
    if name != "birdnet":
        return read_bundle(DEMO_BUNDLES / name)
    try:
        find_engine("litert").import_library()
    except SetupError:
        return None
    return installed_birdnet()


def _draws(clips: Sequence[Esc10Clip], count: int, seed: int) -> list[tuple[str, ...]]:
    """Which classes are kept out, different in each draw."""
    return random.Random(seed).sample(list(combinations(sorted({clip.label for clip in clips}), KEPT_OUT)), count)


def embedded_clips(bundle: Bundle, clips: Sequence[Esc10Clip]) -> OpenSetData:
    """The embeddings of the windows of all clips in which something is heard."""
    window_s = bundle.manifest.input.window_s
    made = [(clip, window) for clip in clips for window in _sounding_windows(clip, window_s)]
    with open_embedding_network(bundle) as network:
        found = embed_windows(network, [window for _, window in made], EmbeddingCache())
        synthetic = synthetic_embeddings(network, EmbeddingCache())
    labeled = tuple(
        LabeledWindow(window, clip.label, "train", frozenset({clip.label}))
        for clip, window in (made[row] for row in found.rows)
    )
    return OpenSetData(
        EmbeddedWindows(labeled, found.values),
        np.array([made[row][0].fold for row in found.rows]),
        window_s,
        synthetic,
    )


def _sounding_windows(clip: Esc10Clip, window_s: float) -> list[AudioWindow]:
    samples, rate_hz = read_audio(clip.path)
    starts = window_starts_s(0.0, CLIP_S, window_s, CLIP_S)
    levels_db = []
    for start_s in starts:
        begin = round(start_s * rate_hz)
        part = samples[:, begin : begin + round(window_s * rate_hz)]
        levels_db.append(10 * np.log10(float(np.mean(part**2)) + 1e-12) if part.size else -120.0)
    loudest_db = max(levels_db)
    return [
        AudioWindow(clip.path, start_s)
        for start_s, level_db in zip(starts, levels_db, strict=True)
        if level_db >= loudest_db - _QUIETER_DB
    ]


def _draw(data: OpenSetData, kept_out: Sequence[str], way: str) -> _Scores:
    """The scores of all folds, each by recognizers that were trained on the others."""
    windows = data.embedded.windows
    tags = sorted({one.tag for one in windows} - set(kept_out))
    parts = []
    for fold in FOLDS:
        is_test = data.folds == fold
        used = [row for row, one in enumerate(windows) if not is_test[row] and (way == "background" or one.tag in tags)]
        training = EmbeddedWindows(tuple(_as_training(windows[row], tags) for row in used), data.embedded.values[used])
        trained = learn(training, tags, window_s=data.window_s, synthetic=data.synthetic)
        probabilities = trained.recognizer.layer.probabilities(data.embedded.values[is_test])
        rows = np.flatnonzero(is_test)
        parts.append(
            _Scores(
                truth_of([windows[row] for row in rows], tags),
                recognized(probabilities, [trained.thresholds[tag] for tag in tags]),
                probabilities.argmax(axis=1),
                probabilities.max(axis=1),
                _clip_numbers([windows[row] for row in rows]) + 1000 * fold,
            )
        )
    return _Scores(*(np.concatenate([getattr(one, name) for one in parts]) for name in _Scores.__dataclass_fields__))


def _as_training(window: LabeledWindow, tags: Sequence[str]) -> LabeledWindow:
    return window if window.tag in tags else replace(window, tag="", use="train-background", heard=frozenset())


def _clip_numbers(windows: Sequence[LabeledWindow]) -> NDArray[np.int64]:
    numbers: dict[Path, int] = {}
    return np.array([numbers.setdefault(one.window.path, len(numbers)) for one in windows], dtype=np.int64)


def _summary(draws: Sequence[_Scores]) -> dict[str, float]:
    """AUROC by windows and by clips (the mean and the worst draw), macro F1, and detection at one alarm per hour."""
    windows = [roc_curve(one.truth < _tags(one), one.highest).area for one in draws]
    clips = [_clip_auroc(one) for one in draws]
    rate, alarms, hours = _detection_rate(draws)
    return {
        "auroc": round(float(np.mean(windows)), 4),
        "auroc_worst_draw": round(min(windows), 4),
        "auroc_of_clips": round(float(np.mean(clips)), 4),
        "macro_f1_of_known": round(float(np.mean([_macro_f1(one, known_only=True) for one in draws])), 4),
        "macro_f1_among_unknown": round(float(np.mean([_macro_f1(one, known_only=False) for one in draws])), 4),
        "detection_rate_at_one_false_alarm_per_hour": round(rate, 4),
        "false_alarms": alarms,
        "hours_of_unknown": round(hours, 2),
    }


def _tags(scores: _Scores) -> int:
    return int(scores.truth.max())  # unknown windows are in every draw


def _clip_auroc(scores: _Scores) -> float:
    """A clip's score is the mean of the log-odds of its windows."""
    _, first, owners = np.unique(scores.clips, return_index=True, return_inverse=True)
    odds = scipy.special.logit(np.clip(scores.highest, 1e-9, 1 - 1e-9))
    means = np.bincount(owners, odds) / np.bincount(owners)
    return roc_curve(scores.truth[first] < _tags(scores), means).area


def _macro_f1(scores: _Scores, *, known_only: bool) -> float:
    kept = scores.truth < _tags(scores) if known_only else np.ones(len(scores.truth), bool)
    truth, found = scores.truth[kept], scores.found[kept]
    return float(np.mean([precision_recall_f1(truth == tag, found == tag)[2] for tag in range(_tags(scores))]))


def _detection_rate(draws: Sequence[_Scores]) -> tuple[float, int, float]:
    """The share of known clips in which the right tag is the likeliest and reaches the one threshold that at most one
    unknown sound per hour reaches; the false alarms there, and the hours. All draws together."""
    unknown = [one.truth == _tags(one) for one in draws]
    highest = np.concatenate([one.highest[rows] for one, rows in zip(draws, unknown, strict=True)])
    clips = np.concatenate(
        [one.clips[rows] + 10_000 * k for k, (one, rows) in enumerate(zip(draws, unknown, strict=True))]
    )
    hours = len(np.unique(clips)) * CLIP_S / 3600
    candidates = np.unique(highest)
    alarms = false_alarms(highest, clips, candidates)
    allowed = np.flatnonzero(alarms <= hours)
    first = int(allowed[0]) if len(allowed) else -1
    threshold = candidates[first] if first >= 0 else np.nextafter(candidates[-1], 2.0)
    hits = total = 0
    for one in draws:
        known = one.truth < _tags(one)
        hit = known & (one.best == one.truth) & (one.highest >= threshold)
        hits += len(np.unique(one.clips[hit]))
        total += len(np.unique(one.clips[known]))
    return hits / total, int(alarms[first]) if first >= 0 else 0, hours


def _training_s(bundle: Bundle, clips: Sequence[Esc10Clip], say: Say) -> Mapping[str, float]:
    """Seconds from a table of 500 annotations to the bundle, without and with cached embeddings, and of processor time.

    The latter matters where other programs run beside it.
    """
    halves = [(clip, start) for start in (0.0, 2.5) for clip in clips]
    rows = [f"{clip.path},{start},{start + 2.5},{clip.label}" for clip, start in halves[:_ANNOTATIONS]]
    took = {}
    with tempfile.TemporaryDirectory(prefix="tidzam-openset-") as temporary:
        home = Path(temporary)
        table = home / "annotations.csv"
        table.write_text("\n".join(["file,start,end,tag", *rows]) + "\n", encoding="utf-8")
        options = OpenSetOptions(table=table, base=bundle.folder, out=home / "tags", name="tags", home=home)
        for name in ("training", "training_cached"):
            began_s, began_cpu_s = time.monotonic(), time.process_time()
            train_open_set(options, say=say)
            took[f"{name}_s"] = round(time.monotonic() - began_s, 1)
            took[f"{name}_cpu_s"] = round(time.process_time() - began_cpu_s, 1)
    return took
