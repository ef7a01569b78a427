"""Two pitches to distinguish, as folders of short audio files, and a small training of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import soundfile

from tests.support import sound
from tidzam.audio.features import FeatureSpec
from tidzam.types import Float32
from trainer.options import TrainingOptions
from trainer.training_file import FeatureOverrides, Optimizer, TrainingFile

SPEC = FeatureSpec(rate_hz=8000, window_s=0.25, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
PITCHES_HZ = {"high": 2800.0, "low": 500.0}


def tone(hz: float, seconds: float = 0.6, rate_hz: int = SPEC.rate_hz) -> Float32:
    """`tests.support.sound.tone` as these trainings need it."""
    return sound.tone(hz, rate_hz=rate_hz, duration_s=seconds)


def write_tone_folders(root: Path, count: int = 10) -> Path:
    """`count` files of each pitch, each a separate recording. Returns `root`."""
    for label, hz in PITCHES_HZ.items():
        (root / label).mkdir(parents=True)
        for number in range(count):
            soundfile.write(root / label / f"{label}{number}.wav", tone(hz * (0.95 + 0.01 * number)), 8000)
    return root


def recipe(**changes: Any) -> TrainingFile:
    """A training of seconds; `changes` are fields of the training file."""
    features = FeatureOverrides(**{name: value for name, value in SPEC.to_dict().items() if name != "floor_db"})
    fast = Optimizer(learning_rate=5e-3)
    return TrainingFile(**{"features": features, "iterations": 60, "batch_size": 16, "optimizer": fast, **changes})


def options(data: Path, out: Path, **changes: Any) -> TrainingOptions:
    """What trains on `data`, batches made by a thread, without summaries; `changes` are fields of the training file."""
    return TrainingOptions(
        dataset_train=data, out=out, name="tones", training=recipe(**changes), batch_workers=0, stats_step=0
    )
