"""The feature extractor: log-mel spectrograms, with the same values in training, analysis and tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tidzam.errors import AudioError
from tidzam.types import Float32

if TYPE_CHECKING:
    import scipy.sparse

_CHUNK_FRAMES: Final = 256
"""Spectrogram frames per step: their temporaries stay in cache, which is twice as fast."""

_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "rate_hz": (100, 768_000),
    "window_s": (0.001, 600),
    "fft_length": (2, 65_536),
    "hop_length": (1, 10_000_000),
    "n_mels": (1, 4096),
    "fmin_hz": (0, 384_000),
    "fmax_hz": (0, 384_000),
    "floor_db": (-400, 0),
}
_MAX_FFT_VALUES: Final = 1 << 24
"""Values in the overlapping FFT frames of one window: 64 MB. At least one window is transformed at a time."""
_MAX_VALUES: Final = 1 << 22
"""Values in the features of one window, and in the mel filters: 16 MB. Dozens of windows are in memory at a time."""


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """How a window of samples becomes a log-mel spectrogram. A bundle carries it; equal specs share extractions.

    The spectrogram is the power of a Hann-windowed FFT without padding, in triangular mel bands of unit
    height (HTK formula: mel = 2595 log10(1 + f / 700)), in dB re a full-scale sine, not below `floor_db`.
    """

    rate_hz: int = 22050
    window_s: float = 1.0
    fft_length: int = 1024
    hop_length: int = 256
    n_mels: int = 64
    fmin_hz: float = 50.0
    fmax_hz: float = 10500.0
    floor_db: float = -100.0

    def __post_init__(self) -> None:
        self._check_bounds()
        if not 0 <= self.fmin_hz < self.fmax_hz <= self.rate_hz / 2:
            raise AudioError(
                f"A mel range of {self.fmin_hz:g} to {self.fmax_hz:g} Hz does not fit a rate of {self.rate_hz} Hz.",
                hint="Keep 0 <= fmin_hz < fmax_hz <= rate_hz / 2.",
                code="feature_spec",
            )
        if self.window_samples < self.fft_length:
            raise AudioError(
                f"A window of {self.window_samples} samples cannot hold an FFT of {self.fft_length}.",
                hint="Lengthen window_s or shorten fft_length.",
                code="feature_spec",
            )
        self._check_size()

    def _check_bounds(self) -> None:
        """Called before anything is computed from the fields: infinite and huge values overflow."""
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:  # also NaN
                shown = f"{value:g}" if isinstance(value, float) else f"{value:d}" if abs(value) < 1e15 else "huge"
                raise AudioError(
                    f"FeatureSpec field {name} is {shown}; expected {low:g} to {high:g}.", code="feature_spec"
                )

    def _check_size(self) -> None:
        sizes = (
            ("FFT frames of one window", self.n_frames * self.fft_length, _MAX_FFT_VALUES),
            ("spectrogram of one window", self.n_frames * self.n_mels, _MAX_VALUES),
            ("mel filters", self.fft_length // 2 * self.n_mels, _MAX_VALUES),
        )
        for what, values, most in sizes:
            if values > most:
                raise AudioError(
                    f"The {what} would have {values} values; at most {most} are allowed.",
                    hint="Shorten window_s or fft_length, lengthen hop_length, or lower n_mels.",
                    code="feature_spec",
                )

    @property
    def window_samples(self) -> int:
        """Samples in a window, at `rate_hz`."""
        return round(self.window_s * self.rate_hz)

    @property
    def n_frames(self) -> int:
        """Spectrogram frames in a window."""
        return 1 + (self.window_samples - self.fft_length) // self.hop_length

    @property
    def shape(self) -> tuple[int, int]:
        """(frames, mels) of one window's features."""
        return self.n_frames, self.n_mels

    @property
    def silence(self) -> float:
        """The value, in dB, that the features of a silent window hold throughout."""
        return self.floor_db

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FeatureSpec:
        """The inverse of `to_dict`. Raises AudioError if a field is missing, unknown or of a wrong type."""
        if not isinstance(values, Mapping):
            raise AudioError(f"A FeatureSpec must be an object, not a {type(values).__name__}.", code="feature_spec")
        kinds = {"rate_hz": int, "fft_length": int, "hop_length": int, "n_mels": int}
        names = set(cls.__dataclass_fields__)
        if set(values) != names:
            wrong = ", ".join(sorted(map(repr, set(values) ^ names)))[:200]
            raise AudioError(f"A FeatureSpec has missing or unknown fields: {wrong}.", code="feature_spec")
        for name, value in values.items():
            wanted = kinds.get(name, (int, float))
            if isinstance(value, bool) or not isinstance(value, wanted):
                raise AudioError(f"FeatureSpec field {name} cannot be {str(value)[:40]!r}.", code="feature_spec")
        return cls(**values)


def extract(windows: Float32, spec: FeatureSpec) -> Float32:
    """Log-mel spectrograms of windows.

    `windows` has shape (n, spec.window_samples), samples in -1…1 at spec.rate_hz. Returns (n, *spec.shape), in dB.
    Raises AudioError if the shape does not fit.

    >>> spec = FeatureSpec(rate_hz=22050, window_s=1.0, fft_length=1024, hop_length=256, n_mels=64)
    >>> extract(np.zeros((2, spec.window_samples), np.float32), spec).shape
    (2, 83, 64)

    See also `extract_sequence` for audio of any length, `tidzam.audio.windows.window_features` for another sample rate.
    """
    if windows.ndim != 2 or windows.shape[1] != spec.window_samples:
        raise AudioError(
            f"Invalid windows: the array has shape {windows.shape}, expected (windows, {spec.window_samples}).",
            code="feature_shape",
        )
    frames = _frames(windows, spec)
    n_windows, n_frames = frames.shape[:2]
    mels = np.empty((n_windows, n_frames, spec.n_mels), dtype=np.float32)
    per_chunk = max(1, _CHUNK_FRAMES // n_frames)
    for start in range(0, n_windows, per_chunk):
        chunk = frames[start : start + per_chunk]
        mels[start : start + per_chunk] = _mel_db(chunk, spec).reshape(-1, n_frames, spec.n_mels)
    return mels


def extract_sequence(samples: Float32, spec: FeatureSpec) -> Float32:
    """The log-mel features of audio of any length: a *sequence*, of which every window is a part.

    `samples` has shape (n,), in -1…1 at spec.rate_hz. Returns (frames, mels) in dB: frame k begins at sample
    k * spec.hop_length. Audio shorter than one FFT is padded with silence.
    """
    filled = np.pad(samples, (0, max(0, spec.fft_length - len(samples))))
    frames = _frames(filled[None], spec)[0]
    sequence = np.empty((len(frames), spec.n_mels), dtype=np.float32)
    for start in range(0, len(frames), _CHUNK_FRAMES):
        sequence[start : start + _CHUNK_FRAMES] = _mel_db(frames[start : start + _CHUNK_FRAMES], spec)
    return sequence


def _frames(sound: Float32, spec: FeatureSpec) -> Float32:
    """The input of each FFT: a view, shape (n, frames, fft_length)."""
    sound = np.asarray(sound, dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(sound, spec.fft_length, axis=1)[:, :: spec.hop_length]


def _mel_db(frames: Float32, spec: FeatureSpec) -> Float32:
    """Mel bands in dB, shape (frames, mels), of `frames`, shape (…, fft_length)."""
    import scipy.fft  # here, since it takes a third of a second, and most programs only read specs

    spectrum = scipy.fft.rfft(frames * _hann(spec.fft_length), axis=-1, overwrite_x=True)
    magnitude = np.abs(spectrum).reshape(-1, spec.fft_length // 2 + 1)
    power = np.ascontiguousarray(magnitude.T)  # as the sparse product takes it; squared when it is contiguous
    np.square(power, out=power)
    mels: Float32 = np.ascontiguousarray((_sparse_mel_filters(spec) @ power).T)
    np.maximum(mels, np.float32(10 ** (spec.floor_db / 10)), out=mels)
    np.log10(mels, out=mels)
    mels *= np.float32(10)
    return mels


def hz_to_mel(frequency_hz: Any) -> Any:
    """HTK mel scale."""
    return 2595.0 * np.log10(1.0 + np.asarray(frequency_hz) / 700.0)


def mel_to_hz(mel: Any) -> Any:
    """Inverse of `hz_to_mel`."""
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)


@lru_cache(maxsize=32)
def mel_filters(spec: FeatureSpec) -> Float32:
    """Triangular mel bands, shape (fft_length // 2 + 1, n_mels); each peaks at 1 between its neighbors' centers."""
    edges = mel_to_hz(np.linspace(hz_to_mel(spec.fmin_hz), hz_to_mel(spec.fmax_hz), spec.n_mels + 2))
    bins = np.fft.rfftfreq(spec.fft_length, 1 / spec.rate_hz)[:, None]
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    rise, fall = (bins - low) / (center - low), (high - bins) / (high - center)
    filters: Float32 = np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)
    filters.setflags(write=False)
    return filters


@lru_cache(maxsize=32)
def _sparse_mel_filters(spec: FeatureSpec) -> scipy.sparse.csr_array:
    """`mel_filters` transposed, without its zeros.

    As fast as a matrix product on an idle machine, and many times as fast on a busy one: BLAS would spread so small
    a product over all cores, and wait for each.
    """
    import scipy.sparse

    return scipy.sparse.csr_array(mel_filters(spec).T)


@lru_cache(maxsize=32)
def _hann(length: int) -> Float32:
    """Periodic Hann window, scaled so that a full-scale sine has a power of 1 in its bin."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    scaled: Float32 = (window * 2 / window.sum()).astype(np.float32)
    scaled.setflags(write=False)
    return scaled
