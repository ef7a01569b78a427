"""Cutting a stream of blocks into windows on a fixed grid, and the features of windows at any rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from tidzam.audio.features import FeatureSpec, extract
from tidzam.audio.resample import resample
from tidzam.audio.waveform import InputSpec, WaveformSpec
from tidzam.errors import AudioError
from tidzam.types import Float32


@dataclass(frozen=True)
class Window:
    """One window of all channels: `samples`, float32 (channels, frames), from `start_frame` on.

    The last `missing_frames` of them are zero: they lie after the end of the stream.
    """

    start_frame: int
    samples: Float32
    missing_frames: int = 0


def cut_windows(blocks: Iterable[Float32], *, window: int, hop: int) -> Iterator[Window]:
    """Windows of `window` frames that start at 0, hop, 2 hop … in a stream of blocks, float32 (frames, channels).

    The end of the stream is padded with zeros to a last window if at least half a hop of it was in no window yet, or if
    there was no window at all. Holds about one window and one block in memory.

    >>> blocks = [np.zeros((6, 1), np.float32), np.zeros((4, 1), np.float32)]
    >>> [window.start_frame for window in cut_windows(blocks, window=4, hop=2)]
    [0, 2, 4, 6]

    See also `tidzam.audio.files.open_audio`, whose blocks it cuts, and `window_features`.
    """
    parts: list[Float32] = []
    held = start = covered = 0
    for block in blocks:
        parts.append(block)
        held += len(block)
        if held < window:
            continue
        stream = np.concatenate(parts)
        while len(stream) >= window:
            yield Window(start, np.ascontiguousarray(stream[:window].T))
            stream = stream[hop:]
            covered, start = start + window, start + hop
        parts, held = [stream], len(stream)
    end = start + held
    if held and (not covered or end - covered >= hop / 2):
        rest = np.concatenate(parts).T
        yield Window(start, np.pad(rest, ((0, 0), (0, window - held))), window - held)


def window_features(windows: Float32, rate_hz: int, spec: FeatureSpec) -> Float32:
    """Features, shape (n, *spec.shape), of windows (n, frames) that last `spec.window_s` at `rate_hz`."""
    return extract(_at_rate(windows, rate_hz, spec), spec)


def network_inputs(windows: Float32, rate_hz: int, spec: InputSpec) -> Float32:
    """The input of a network, shape (n, *spec.shape), of windows (n, frames) that last `spec.window_s` at `rate_hz`.

    Raises AudioError (`feature_shape`) if they have another length.
    """
    if not isinstance(spec, WaveformSpec):
        return window_features(windows, rate_hz, spec)
    samples = _at_rate(windows, rate_hz, spec)
    if samples.shape[1] != spec.window_samples:
        raise AudioError(
            f"Invalid windows: the array has shape {samples.shape}, expected (windows, {spec.window_samples}).",
            code="feature_shape",
        )
    return samples


def _at_rate(windows: Float32, rate_hz: int, spec: InputSpec) -> Float32:
    """`windows` (n, frames) at the rate of `spec`."""
    samples = resample(windows, rate_hz, spec.rate_hz)
    missing = spec.window_samples - samples.shape[1]
    if abs(missing) == 1:  # window_s is not a whole number of frames at one of the rates
        samples = np.pad(samples, ((0, 0), (0, 1)))[:, : spec.window_samples]
    return samples
