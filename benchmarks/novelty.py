"""`bench novelty`: how well novelty bundles find foreign sounds in a synthesized wetland that they were trained on.

In each draw, 20 clips of ESC-10 are mixed into two minutes of wetland (four microphones), one at a time on a channel.
Rain is left out, since it rains in the wetland, too. Helicopters, roosters and sea waves are not, although the wetland
has engines, birds and wind.

- The level of a clip is set by its signal-to-noise ratio: the mean power of the clip, from its first to its last 20 ms
  within 30 dB of its loudest, to that of the channel in the same time.
- A window is foreign if a clip fills half of it or more, and normal if there is none in it; others do not count. The
  area under the ROC curve (AUROC) is the probability that a foreign window has a higher score than a normal one of the
  same scenes. Its interval of 95 % is that of 500 bootstrap samples of clips and of minutes.
- A clip is found if one of its windows reaches the threshold of the bundle.
- False alarms are detections (runs of windows that reach the threshold) in the same scenes without any clip.

The vectors, and the number of trees and of windows for each, were chosen with clips of the folds 1 and 2 and with other
scenes; the clips here are those of the folds 3 and 4. Scores are those of the analyzer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.esc10 import Esc10Clip, find_clips
from benchmarks.openset import find_base
from tidzam.audio.files import read_audio
from tidzam.audio.resample import resample
from tidzam.bundle import Bundle
from tidzam.demo.render import render, write_scene
from tidzam.demo.wetland import wetland
from tidzam.inference.cascade import Classifier
from tidzam.inference.input_cache import InputCache
from tidzam.inference.loading import load_novelty
from tidzam.inference.novelty import NoveltyDetectors, threshold_of
from tidzam.inference.output_check import OutputCheck
from tidzam.metrics import roc_curve
from tidzam.progress import Say
from tidzam.types import Float32
from trainer.novelty.app import NoveltyOptions, train_novelty

TITLE = "novelty: foreign sounds in a wetland at 0, 6 and 12 dB, and false alarms per hour"

SNR_DB: Final = (0, 6, 12)
FOREIGN: Final = 20
TEST_FOLDS: Final = (3, 4)
_LEFT_OUT: Final = frozenset({"rain"})
RATE_HZ: Final = 44100
_SCENE_S: Final = 120.0
_SLOT_S: Final = 8.0
_AUDIBLE_DB: Final = 30.0
_RESAMPLES: Final = 500
TRAIN_SEED, TEST_SEED = 5000, 6000


@dataclass(frozen=True)
class _Scored:
    """The windows of mixed scenes: their scores, the clip that each is foreign by (-1 for normal ones), and a number
    for each minute of a channel. All have shape (n,)."""

    scores: NDArray[np.float64]
    clips: NDArray[np.int64]
    minutes: NDArray[np.int64]


def run(
    say: Say, *, vectors: str = "features,selector", hours: str = "1", draws: str = "4", seed: str = "0"
) -> dict[str, Any]:
    """ESC-10 is looked for in ../shared/data/esc10 or $TIDZAM_DATA/esc10. `vectors` are those of `features`, or the
    embeddings of a bundle of the demo, or of `birdnet`, which is left out if LiteRT is missing.

    `hours` of wetland are trained on, in scenes of two minutes on four channels. Raises DatasetError if there is no
    data.
    """
    clips = [clip for clip in find_clips() if clip.fold in TEST_FOLDS and clip.label not in _LEFT_OUT]
    chosen = [_drawn(clips, np.random.default_rng([int(seed), draw])) for draw in range(int(draws))]
    figures: dict[str, Any] = {"hours": float(hours), "clips": sum(map(len, chosen))}
    with tempfile.TemporaryDirectory(prefix="tidzam-novelty-") as temporary:
        folder = Path(temporary)
        scenes = max(1, round(float(hours) * 3600 / (4 * _SCENE_S)))
        say(f"rendering {scenes} scenes for training and {draws} for tests")
        for number in range(scenes):
            write_scene(folder / "train", f"wetland-{number}", wetland(TRAIN_SEED + number, duration_s=_SCENE_S))
        tests = [render(wetland(TEST_SEED + n, duration_s=_SCENE_S)).samples for n in range(int(draws))]
        for name in vectors.split(","):
            base = None if name == "features" else find_base(name)
            if name != "features" and base is None:
                say(f"{name} is left out: LiteRT is not installed")
                continue
            say(f"{name}: training")
            options = NoveltyOptions(
                audio=(folder / "train",),
                out=folder / name,
                name=name,
                base=None if base is None else base.folder,
                home=folder,
            )
            bundle = train_novelty(options, say=say).bundle
            figures |= {f"{name}_{key}": value for key, value in _measured(bundle, tests, chosen, say).items()}
    return figures


def _drawn(clips: Sequence[Esc10Clip], rng: np.random.Generator) -> list[Esc10Clip]:
    """FOREIGN clips, as many of each class as possible."""
    shuffled = [clips[index] for index in rng.permutation(len(clips))]
    seen: dict[str, int] = {}
    ranked = []
    for clip in shuffled:
        seen[clip.label] = seen.get(clip.label, 0) + 1
        ranked.append((seen[clip.label], clip))
    return [clip for _, clip in sorted(ranked, key=lambda one: one[0])[:FOREIGN]]


def _measured(
    bundle: Bundle, tests: Sequence[Float32], chosen: Sequence[Sequence[Esc10Clip]], say: Say
) -> dict[str, Any]:
    (detector,) = load_novelty([bundle])
    detectors = NoveltyDetectors([detector], check=OutputCheck())
    alarms = [scores_of(detectors, detector, channel) >= threshold_of(detector) for test in tests for channel in test]
    hours = sum(test.size for test in tests) / RATE_HZ / 3600
    begun = sum(int(np.sum(np.diff(one.astype(int), prepend=0) == 1)) for one in alarms)
    figures: dict[str, Any] = {
        "window_s": detector.window_s,
        "false_alarms_per_hour": round(begun / hours, 1),
        "forest_kb": round((bundle.folder / "forest.onnx").stat().st_size / 1000),
    }
    say(f"{bundle.name}: {figures['false_alarms_per_hour']} false alarms per hour")
    for snr_db in SNR_DB:
        scored = _joined(
            [
                _mixed_scores(detectors, detector, test, clips, snr_db, draw)
                for draw, (test, clips) in enumerate(zip(tests, chosen, strict=True))
            ]
        )
        low, high = _interval(scored)
        figures[f"auroc_{snr_db}db"] = round(_auroc(scored), 3)
        figures[f"auroc_{snr_db}db_interval"] = f"{low:.3f} to {high:.3f}"
        figures[f"found_{snr_db}db"] = round(_found(scored, threshold_of(detector)), 3)
        figures |= dict(_by_class(scored, [clip.label for clips in chosen for clip in clips], f"auroc_{snr_db}db"))
        found, area = figures[f"found_{snr_db}db"], figures[f"auroc_{snr_db}db"]
        say(f"{bundle.name}, {snr_db} dB: AUROC {area} ({low:.3f} to {high:.3f}), found {found}")
    return figures


def _mixed_scores(
    detectors: NoveltyDetectors,
    detector: Classifier,
    test: Float32,
    clips: Sequence[Esc10Clip],
    snr_db: float,
    draw: int,
) -> _Scored:
    """The windows of a scene with clips mixed in. The same places for every level."""
    mixed, marks = mix(test, [sound_of(clip) for clip in clips], snr_db, np.random.default_rng([7, draw]))
    hop = round(detector.window_s * RATE_HZ)
    parts = []
    for channel, (samples, of_channel) in enumerate(zip(mixed, marks, strict=True)):
        scores = scores_of(detectors, detector, samples)
        windows = of_channel[: len(scores) * hop].reshape(len(scores), hop)
        share, clip = (windows >= 0).mean(axis=1), windows.max(axis=1)
        clip = np.where(clip >= 0, clip + draw * FOREIGN, -1)
        minutes = (np.arange(len(scores)) * detector.window_s // 60).astype(int) + 100 * channel + 10_000 * draw
        kept = (share == 0) | (share >= 0.5)
        parts.append(_Scored(scores[kept], clip[kept], minutes[kept]))
    return _joined(parts)


def mix(
    scene: Float32, sounds: Sequence[Float32], snr_db: float, rng: np.random.Generator
) -> tuple[Float32, NDArray[np.int64]]:
    """A scene (channels, frames) with sounds mixed in, each in a slot of its own, at a signal-to-noise ratio to what is
    heard there; and the number of the sound at each frame, -1 without one."""
    mixed, marks = scene.copy(), np.full(scene.shape, -1, np.int64)
    slots = [(channel, slot) for channel in range(len(scene)) for slot in range(int(_SCENE_S / _SLOT_S))]
    rng.shuffle(slots)
    for number, (sound, (channel, slot)) in enumerate(zip(sounds, slots, strict=False)):
        slack_s = _SLOT_S - len(sound) / RATE_HZ
        begin = round((slot * _SLOT_S + rng.uniform(0, slack_s)) * RATE_HZ)
        heard = slice(begin, begin + len(sound))
        noise, power = np.mean(scene[channel, heard] ** 2), np.mean(sound**2)
        mixed[channel, heard] += sound * np.float32(np.sqrt(noise / power * 10 ** (snr_db / 10)))
        marks[channel, heard] = number
    return np.clip(mixed, -1, 1), marks


def sound_of(clip: Esc10Clip) -> Float32:
    """A clip at the rate of the scenes, without the silence around it."""
    samples, rate_hz = read_audio(clip.path)
    sound = resample(samples.mean(axis=0, dtype=np.float32)[None], rate_hz, RATE_HZ)[0]
    step = round(0.02 * RATE_HZ)
    power = (sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    audible = np.flatnonzero(power > power.max() * 10 ** (-_AUDIBLE_DB / 10))
    return np.asarray(sound[audible[0] * step : (audible[-1] + 1) * step])


def scores_of(detectors: NoveltyDetectors, detector: Classifier, samples: Float32) -> NDArray[np.float64]:
    """The scores of the windows of a channel (frames,), one after the other."""
    frames = round(detector.window_s * RATE_HZ)
    windows = samples[: len(samples) // frames * frames].reshape(-1, frames)
    found: list[float] = []
    for first in range(0, len(windows), 32):
        part = windows[first : first + 32]
        scores = detectors.scores(part, InputCache(part, RATE_HZ), [None] * len(part))
        found += [one[detector.name] for one in scores]
    return np.array(found)


def _joined(parts: Sequence[_Scored]) -> _Scored:
    return _Scored(
        np.concatenate([one.scores for one in parts]),
        np.concatenate([one.clips for one in parts]),
        np.concatenate([one.minutes for one in parts]),
    )


def _auroc(scored: _Scored) -> float:
    return roc_curve(scored.clips >= 0, scored.scores).area


def _found(scored: _Scored, threshold: float) -> float:
    """The share of clips of which a window reaches the threshold."""
    heard = set(scored.clips[scored.clips >= 0].tolist())
    return len(set(scored.clips[(scored.clips >= 0) & (scored.scores >= threshold)].tolist())) / len(heard)


def _by_class(scored: _Scored, labels: Sequence[str], key: str) -> Iterator[tuple[str, float]]:
    """The AUROC of the windows of each class."""
    of_window = np.array([labels[clip] if clip >= 0 else "" for clip in scored.clips])
    for label in sorted({*labels}):
        kept = (of_window == label) | (of_window == "")
        yield f"{key}_{label}", round(roc_curve(scored.clips[kept] >= 0, scored.scores[kept]).area, 3)


def _interval(scored: _Scored) -> tuple[float, float]:
    """The interval of 95 % of the AUROC, by bootstrap: clips, and minutes of normal sound, are drawn with
    repetition."""
    rng = np.random.default_rng(0)
    foreign = [np.flatnonzero(scored.clips == clip) for clip in np.unique(scored.clips[scored.clips >= 0])]
    is_normal = scored.clips < 0
    normal = [np.flatnonzero(is_normal & (scored.minutes == one)) for one in np.unique(scored.minutes[is_normal])]
    areas = []
    for _ in range(_RESAMPLES):
        rows = np.concatenate(
            [
                *(foreign[index] for index in rng.integers(len(foreign), size=len(foreign))),
                *(normal[index] for index in rng.integers(len(normal), size=len(normal))),
            ]
        )
        areas.append(roc_curve(scored.clips[rows] >= 0, scored.scores[rows]).area)
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(low), float(high)
