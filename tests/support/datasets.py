"""Small compiled datasets in which every sample is different."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Dataset, DatasetWriter, Draft, Origin
from tidzam.labels import LabelTree
from tidzam.types import Float32

SPEC = FeatureSpec(rate_hz=8000, window_s=0.1, fft_length=256, hop_length=128, n_mels=8, fmax_hz=4000)
"""Five frames of eight mels: 160 bytes a sample."""

SAMPLE_BYTES = 4 * SPEC.n_frames * SPEC.n_mels


def sample(number: int, spec: FeatureSpec = SPEC) -> Float32:
    """The features of sample `number`: its first value is the number, the rest is drawn from it."""
    features = np.random.default_rng(number).uniform(-90, 0, spec.shape).astype(np.float32)
    features[0, 0] = number
    return features


def draft(name: str = "pond", classes: Sequence[str] = ("frog", "rain", "wren"), spec: FeatureSpec = SPEC) -> Draft:
    return Draft(name=name, spec=spec, classes=tuple(classes), labels=LabelTree.flat(tuple(classes)))


def origin(number: int) -> Origin:
    """Four samples are of one recording."""
    return Origin(f"/sounds/{number // 4}.flac", offset_s=0.25 * (number % 4), group=f"recording-{number // 4}")


def write(
    folder: Path,
    labels: Sequence[int],
    *,
    classes: Sequence[str] = ("frog", "rain", "wren"),
    spec: FeatureSpec = SPEC,
    first: int = 0,
    a_shard: int = 8,
) -> Dataset:
    """A dataset of samples `first` and following with these labels, `a_shard` of them a shard."""
    size = 4 * spec.n_frames * spec.n_mels
    with DatasetWriter(folder, draft(folder.name, classes, spec), shard_bytes=a_shard * size) as writer:
        for number, label in enumerate(labels, start=first):
            writer.add(sample(number, spec), label, origin(number))
        return writer.finish(provenance={"made_by": "tests.support.datasets"})


def on_a_small_disk(folder: Path) -> list[str]:
    """What begins a command line so that `folder` is a disk of 400 kB to it. Skips the test where that may not be."""
    argv = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=400k tmpfs "$0" && exec "$@"', str(folder)]
    if subprocess.run([*argv, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk of his own")
    return argv


def numbers(dataset: Dataset) -> list[int]:
    """Which samples a dataset holds, in order."""
    return [int(value) for chunk in dataset.chunks() for value in chunk.features[:, 0, 0]]
