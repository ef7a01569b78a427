"""The picture of docs/anomaly.md: `.venv/bin/python docs/anomaly_picture.py`.

A novelty bundle is trained on an hour of the demo's wetland. Then two sounds of ESC-10 are mixed into another scene, as
`bin/tidzam bench novelty` does it, and the scores of its windows are drawn below its spectrogram. Needs the parts
`novelty` and `train`, and shared/data/esc10 (or $TIDZAM_DATA/esc10). Takes minutes.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.esc10 import Esc10Clip, find_clips
from benchmarks.novelty import RATE_HZ, TEST_FOLDS, TRAIN_SEED, mix, scores_of, sound_of
from tidzam.audio.features import FeatureSpec, extract_sequence
from tidzam.audio.resample import resample
from tidzam.demo.render import render, write_scene
from tidzam.demo.wetland import wetland
from tidzam.inference.loading import load_novelty
from tidzam.inference.novelty import NoveltyDetectors, threshold_of
from tidzam.inference.output_check import OutputCheck
from tidzam.types import Float32
from trainer.novelty.app import NoveltyOptions, train_novelty

PICTURE: Final = Path(__file__).parent / "anomaly.webp"
FOREIGN: Final = ("chainsaw", "baby_cry")
SNR_DB: Final = 6.0
SCENE_S: Final = 120.0
TRAIN_SCENES: Final = 8
INK, ACCENT, ALARM = "#1f2933", "#1b6ca8", "#c2410c"


def main() -> None:
    clips = [next(one for one in find_clips() if one.label == name and one.fold in TEST_FOLDS) for name in FOREIGN]
    scene = render(wetland(6100, duration_s=SCENE_S)).samples[:1]
    mixed, marks = mix(scene, [sound_of(clip) for clip in clips], SNR_DB, np.random.default_rng(3))
    with tempfile.TemporaryDirectory() as temporary:
        scores, threshold = _scored(Path(temporary), mixed[0])
    _draw(mixed[0], marks[0], clips, scores, threshold)
    novel = ", ".join(f"{second} s" for second in np.flatnonzero(scores >= threshold))
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB; novel windows begin at {novel}")


def _scored(folder: Path, samples: Float32) -> tuple[NDArray[np.float64], float]:
    """The scores of windows of one second, and the threshold, of a bundle that is trained in `folder`."""
    for number in range(TRAIN_SCENES):
        write_scene(folder / "train", f"wetland-{number}", wetland(TRAIN_SEED + number, duration_s=SCENE_S))
    options = NoveltyOptions(audio=(folder / "train",), out=folder / "pond", name="pond", home=folder)
    (detector,) = load_novelty([train_novelty(options, say=print).bundle])
    return scores_of(NoveltyDetectors([detector], check=OutputCheck()), detector, samples), threshold_of(detector)


def _draw(
    samples: Float32,
    marks: NDArray[np.int64],
    clips: Sequence[Esc10Clip],
    scores: NDArray[np.float64],
    threshold: float,
) -> None:
    figure = Figure(figsize=(9, 4.2), dpi=110, layout="constrained", facecolor="white")
    above, below = figure.subplots(2, sharex=True, height_ratios=(1, 1.15))
    spec = FeatureSpec(rate_hz=22050)
    levels = extract_sequence(resample(samples[None], RATE_HZ, spec.rate_hz)[0], spec).T
    above.imshow(levels, origin="lower", aspect="auto", extent=(0, SCENE_S, 0, len(levels)), cmap="magma")
    above.set(ylabel="mel band")
    below.step(np.arange(len(scores) + 1), np.append(scores, scores[-1]), where="post", color=ACCENT, linewidth=1.3)
    below.axhline(threshold, color=ALARM, linewidth=1, linestyle="--")
    below.text(0.5, threshold, f"threshold {threshold:.3f}", color=ALARM, va="bottom", fontsize=9)
    for number, clip in enumerate(clips):
        heard = np.flatnonzero(marks == number) / RATE_HZ
        below.axvspan(heard[0], heard[-1], color=ALARM, alpha=0.13, linewidth=0)
        name = clip.label.replace("_", " ")
        below.text(heard[0], 1.01, name, transform=below.get_xaxis_transform(), va="bottom", fontsize=9)
    below.set(xlabel="seconds", ylabel="score", xlim=(0, SCENE_S))
    for axes in (above, below):
        axes.tick_params(colors=INK, labelsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    png = io.BytesIO()
    figure.savefig(png, format="png")
    Image.open(png).convert("RGB").save(PICTURE, "WEBP", quality=80, method=6)


if __name__ == "__main__":
    main()
