"""Small datasets of real sound: tones, noise and silence in files, cut as the editor cuts them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from database_tool.editor.audio_source import AudioSourceFile
from tests.support.sound import tone
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Dataset, DatasetWriter, Draft
from tidzam.labels import LabelTree
from tidzam.types import Float32

RATE_HZ = 22050
SPEC = FeatureSpec()
TREE = LabelTree({"frog": None, "rain": None, "birds": None, "wren": "birds"})
CLASSES = ("frog", "rain", "wren")


def noise(seconds: int, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).normal(0, 0.05, seconds * RATE_HZ).astype(np.float32)


def write_sounds(folder: Path) -> dict[str, Path]:
    """One file per class, 4 s each: a frog calls at 500 Hz, a wren at 5000 Hz, and it rains."""
    sounds = {
        "frog": tone(500.0, rate_hz=RATE_HZ, duration_s=4),
        "rain": noise(4),
        "wren": tone(5000.0, rate_hz=RATE_HZ, duration_s=4),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for number, (label, sound) in enumerate(sounds.items()):
        paths[label] = folder / f"{label}-2026-05-01-06-30-0{number}.wav"
        quiet = noise(4, seed=number + 1) * np.float32(0.02)
        soundfile.write(paths[label], sound + quiet, RATE_HZ)
    return paths


def write_pond(folder: Path) -> Dataset:
    """`folder/pond`: samples 0 to 3 are frogs, 4 to 7 rain, 8 to 11 wrens, with their files in `folder/sounds`."""
    draft = Draft(name="pond", spec=SPEC, classes=CLASSES, labels=TREE)
    with DatasetWriter(folder / "pond", draft) as writer:
        for label, path in write_sounds(folder / "sounds").items():
            for sample in AudioSourceFile.open(path).cut(0, 4, None, SPEC):
                writer.add(sample.features, CLASSES.index(label), sample.origin)
        return writer.finish(provenance={})
