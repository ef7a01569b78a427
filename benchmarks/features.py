"""`bench features`: log-mel features as Tidzam extracts them, against the ways that others extract the same.

All ways compute the formula of `FeatureSpec`, from the same sound, on the same number of threads: those that take one
channel at a time in a pool of so many threads, TensorFlow on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from benchmarks.rounds import take_turns
from tidzam.audio.features import FeatureSpec, extract, mel_filters
from tidzam.demo.render import render
from tidzam.demo.wetland import wetland
from tidzam.progress import Say
from tidzam.tensorflow_loader import load_tensorflow
from tidzam.types import Float32

TITLE = "log-mel features against SciPy, librosa and TensorFlow: cost of the same numbers"

SPEC: Final = FeatureSpec(
    rate_hz=48000, window_s=1.0, fft_length=1024, hop_length=480, n_mels=64, fmin_hz=50.0, fmax_hz=20000.0
)
WANTED: Final = {"scipy": 2.0, "librosa": 4.0, "tensorflow": 0.9}
"""How many times as fast as each other way Tidzam should be."""
SEED: Final = 2101

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


def run(say: Say, *, channels: str = "32", rounds: str = "15", threads: str = "2") -> dict[str, Any]:
    """Extract the features of one second of a synthesized scene at 48 kHz, in rounds in which each way has one turn.

    Times are medians over the rounds. `relative_difference` is the largest difference in power to Tidzam's features.
    """
    say(f"synthesizing {channels} channels")
    sound = render(wetland(SEED, duration_s=4.0, channels=int(channels), rate_hz=SPEC.rate_hz)).samples
    windows = np.ascontiguousarray(sound[:, SPEC.rate_hz : 2 * SPEC.rate_hz])
    with ThreadPoolExecutor(int(threads)) as pool:
        ways = make_ways(SPEC, pool, threads=int(threads))
        say(f"{', '.join(ways)}: {rounds} rounds")
        took_s = take_turns({name: _call(way, windows) for name, way in ways.items()}, rounds=int(rounds))
        found = {name: way(windows) for name, way in ways.items()}
    return {
        "channels": int(channels),
        "threads": int(threads),
        **{f"{name}_channel_seconds_per_s": round(int(channels) / seconds, 1) for name, seconds in took_s.items()},
        **{f"speed_of_{name}": round(took_s[name] / took_s["tidzam"], 3) for name in WANTED},
        **{f"wanted_speed_of_{name}": least for name, least in WANTED.items()},
        **{f"{name}_relative_difference": difference(found[name], found["tidzam"]) for name in WANTED},
    }


def make_ways(spec: FeatureSpec, pool: ThreadPoolExecutor, *, threads: int) -> dict[str, Way]:
    """All ways by name. Tidzam comes first."""
    reference = Reference(spec)
    return {
        "tidzam": _in_parts(lambda part: extract(part, spec), pool, threads),
        "scipy": _one_by_one(scipy_way(reference), pool),
        "librosa": _one_by_one(librosa_way(reference), pool),
        "tensorflow": tensorflow_way(reference, threads=threads),
    }


def scipy_way(reference: Reference) -> Way:
    """`scipy.signal.spectrogram` of one channel (samples,), mel bands as a matrix product, (frames, mels) in dB."""
    from scipy.signal import spectrogram

    spec = reference.spec
    hann: Any = reference.hann  # an array, which the types of SciPy do not expect
    # SciPy divides by the square of the window's sum, and doubles what lies between 0 Hz and half the rate.
    filters = reference.filters * np.float32(hann.sum() ** 2 / 2)

    def features(channel: Float32) -> Float32:
        overlap = spec.fft_length - spec.hop_length
        _, _, power = spectrogram(
            channel, window=hann, nperseg=spec.fft_length, noverlap=overlap, detrend=False, scaling="spectrum"
        )
        mels: Float32 = 10 * np.log10(np.maximum(power.T @ filters, reference.floor))
        return mels

    return features


def librosa_way(reference: Reference) -> Way:
    """`librosa.feature.melspectrogram` of one channel (samples,), (frames, mels) in dB."""
    import librosa

    spec, hann = reference.spec, reference.hann

    def features(channel: Float32) -> Float32:
        mels = librosa.feature.melspectrogram(
            y=channel,
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
        decibels: Float32 = librosa.power_to_db(mels, amin=float(reference.floor), top_db=None).T
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


def difference(found: Float32, expected: Float32) -> float:
    """The largest relative difference of the powers of two features in dB."""
    return float(np.max(np.abs(np.power(10.0, (found.astype(np.float64) - expected) / 10) - 1)))


def _one_by_one(way: Way, pool: ThreadPoolExecutor) -> Way:
    return lambda windows: np.stack(list(pool.map(way, windows)))


def _in_parts(way: Way, pool: ThreadPoolExecutor, parts: int) -> Way:
    return lambda windows: np.concatenate(list(pool.map(way, np.array_split(windows, parts))))


def _call(way: Way, windows: Float32) -> Callable[[], object]:
    return lambda: way(windows)
