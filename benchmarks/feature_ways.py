"""Log-mel features as Tidzam extracts them, and the ways in which others extract the same, each for `bench features`.

All ways compute the formula of `FeatureSpec`. They run in a pool of threads, one channel at a time, or (Tidzam and the
batches) with the channels divided among the threads; TensorFlow has threads of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tidzam.audio.features import FeatureSpec, extract, mel_filters
from tidzam.tensorflow_loader import load_tensorflow
from tidzam.types import Float32

Way = Callable[[Float32], Float32]
"""Features of windows (channels, samples): (channels, frames, mels) in dB."""


@dataclass(frozen=True)
class Reference:
    """The parts of the formula that all ways share: the window of an FFT, and the mel filters (bins, mels)."""

    spec: FeatureSpec

    @property
    def hann(self) -> Float32:
        """A periodic Hann window with which a full-scale sine has a power of 1 in its bin."""
        n = np.arange(self.spec.fft_length)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * n / self.spec.fft_length)
        scaled: Float32 = (window * 2 / window.sum()).astype(np.float32)
        return scaled

    @property
    def filters(self) -> Float32:
        return mel_filters(self.spec)

    @property
    def floor(self) -> np.float32:
        """The lowest power."""
        return np.float32(10 ** (self.spec.floor_db / 10))


def scipy_way(reference: Reference) -> Way:
    """`scipy.signal.spectrogram` of channels (…, samples), mel bands as a matrix product, (…, frames, mels) in dB."""
    from scipy.signal import spectrogram

    spec = reference.spec
    hann: Any = reference.hann  # an array, which the types of SciPy do not expect
    # SciPy divides by the square of the window's sum, and doubles what lies between 0 Hz and half the rate.
    filters = reference.filters * np.float32(hann.sum() ** 2 / 2)

    def features(channels: Float32) -> Float32:
        overlap = spec.fft_length - spec.hop_length
        _, _, power = spectrogram(
            channels, window=hann, nperseg=spec.fft_length, noverlap=overlap, detrend=False, scaling="spectrum"
        )
        mels: Float32 = 10 * np.log10(np.maximum(power.swapaxes(-1, -2) @ filters, reference.floor))
        return mels

    return features


def librosa_way(reference: Reference) -> Way:
    """`librosa.feature.melspectrogram` of channels (…, samples), (…, frames, mels) in dB."""
    import librosa

    spec, hann = reference.spec, reference.hann

    def features(channels: Float32) -> Float32:
        mels = librosa.feature.melspectrogram(
            y=channels,
            sr=spec.rate_hz,
            n_fft=spec.fft_length,
            hop_length=spec.hop_length,
            window=hann,
            center=False,
            n_mels=spec.n_mels,
            fmin=spec.fmin_hz,
            fmax=spec.fmax_hz,
            htk=True,
            norm=None,
        )
        decibels: Float32 = librosa.power_to_db(mels, amin=float(reference.floor), top_db=None).swapaxes(-1, -2)
        return decibels

    return features


def tensorflow_way(reference: Reference, *, threads: int) -> Way:
    """`tf.signal.stft` and mel bands of all channels, as one `tf.function`."""
    load_tensorflow()
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    spec = reference.spec
    hann, filters, floor = tf.constant(reference.hann), tf.constant(reference.filters), reference.floor

    def mels(windows: Any) -> Any:
        spectrum = tf.signal.stft(windows, spec.fft_length, spec.hop_length, window_fn=lambda length, dtype: hann)
        power = tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2
        return tf.math.log(tf.maximum(tf.tensordot(power, filters, 1), floor)) * np.float32(10 / np.log(10))

    graph = tf.function(mels, input_signature=[tf.TensorSpec((None, spec.window_samples), tf.float32)])

    def features(windows: Float32) -> Float32:
        found: Float32 = graph(windows).numpy()
        return found

    return features


def _one_by_one(way: Way, pool: ThreadPoolExecutor) -> Way:
    return lambda windows: np.stack(list(pool.map(way, windows)))


def _in_parts(way: Way, pool: ThreadPoolExecutor, parts: int) -> Way:
    return lambda windows: np.concatenate(list(pool.map(way, np.array_split(windows, parts))))


WAYS: Final[Mapping[str, Callable[[Reference, ThreadPoolExecutor, int], Way]]] = {
    "tidzam": lambda reference, pool, threads: _in_parts(lambda part: extract(part, reference.spec), pool, threads),
    "scipy": lambda reference, pool, threads: _one_by_one(scipy_way(reference), pool),
    "scipy_batch": lambda reference, pool, threads: _in_parts(scipy_way(reference), pool, threads),
    "librosa": lambda reference, pool, threads: _one_by_one(librosa_way(reference), pool),
    "librosa_batch": lambda reference, pool, threads: _in_parts(librosa_way(reference), pool, threads),
    "tensorflow": lambda reference, pool, threads: tensorflow_way(reference, threads=threads),
}
"""How each way is made, with a pool of so many threads."""
