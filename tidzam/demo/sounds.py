"""Training data: each voice by itself, in the trainer's layout of one folder per class.

sounds/
  birds/birds-chickadee/…    `sounds` trains the selector,
  birds/birds-sparrow/…      `sounds/birds` the expert of the birds,
  frogs/frogs-peeper/…       `sounds/frogs` that of the frogs.
  rain/…
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import Generator

from tidzam.demo.render import render
from tidzam.demo.scene import LABELS, SILENCE, VOICES, Scene
from tidzam.demo.wetland import event
from tidzam.types import Float32

MARGIN_S = 0.05
MAX_S = 6.0


def write_training_folders(
    folder: Path, *, seed: int, clips: int = 80, rate_hz: int = 44100, say: Callable[[str], None] = lambda _: None
) -> Path:
    """Write `clips` FLAC files of each voice, and as many of silence, under `folder`. Returns `folder`."""
    for index, label in enumerate((*VOICES, SILENCE)):
        say(f"synthesizing {label}")
        target = folder.joinpath(*LABELS.path(label))
        target.mkdir(parents=True, exist_ok=True)
        for number in range(clips):
            samples = _clip(np.random.default_rng([seed, index, number]), label, rate_hz)
            soundfile.write(target / f"{number:04d}.flac", samples, rate_hz, subtype="PCM_16")
    return folder


def _clip(rng: Generator, label: str, rate_hz: int) -> Float32:
    """One event, cut where it begins and ends; or a few seconds of silence."""
    drawn = None if label == SILENCE else event(rng, label, 0, MARGIN_S)
    scene = Scene(
        name="clip",
        seed=int(rng.integers(2**31)),
        duration_s=MAX_S,
        rate_hz=rate_hz,
        noise_dbfs=(float(rng.uniform(-72, -56)),),
        events=() if drawn is None else (replace(drawn, end_s=min(drawn.end_s, MAX_S)),),
    )
    rendering = render(scene)
    end_s = MAX_S if drawn is None else rendering.truth.events[0].end_s + MARGIN_S
    return rendering.samples[0, : int(end_s * rate_hz)]
