"""The plain way to name sounds in recordings: per window and channel librosa, then Keras `predict` of every model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.feature_ways import Reference, librosa_way
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle
from tidzam.tensorflow_loader import load_tensorflow
from tidzam.types import Float32


class PlainWay:
    """Runs each bundle's Keras model on one window at a time."""

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        load_tensorflow()
        import keras

        self._models: list[Any] = [keras.models.load_model(bundle.file("keras"), compile=False) for bundle in bundles]
        self._spec: FeatureSpec = bundles[0].manifest.feature_spec
        self._features = librosa_way(Reference(self._spec))

    def __call__(self, window: Float32, rate_hz: int) -> list[Float32]:
        """The outputs (classes,) of each model for one window (frames,) of one channel."""
        import librosa

        sound = librosa.resample(window, orig_sr=rate_hz, target_sr=self._spec.rate_hz, res_type="soxr_hq")
        features = np.asarray(self._features(sound))[None]
        return [model.predict(features, verbose=0)[0] for model in self._models]
