"""Cutting a stream of blocks into windows on a fixed grid, and the features of windows at any rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tidzam.audio.features import FeatureSpec, extract
from tidzam.audio.resample import resample
from tidzam.audio.waveform import InputSpec, WaveformSpec
from tidzam.errors import AudioError
from tidzam.types import Float32

_T = TypeVar("_T")


@dataclass(frozen=True)
class Window:
    """One window of all channels: `samples`, float32 (channels, frames), from `start_frame` on.

    The last `missing_frames` of them are zero: they lie after the end of the stream. `context` holds the frames before
    the window, as far as they are kept, and the window itself.
    """

    start_frame: int
    samples: Float32
    missing_frames: int = 0
    context: Float32 | None = None


def cut_windows(blocks: Iterable[Float32], *, window: int, hop: int, before: int = 0) -> Iterator[Window]:
    """Windows of `window` frames that start at 0, hop, 2 hop … in a stream of blocks, float32 (frames, channels).

    The end of the stream is padded with zeros to a last window if at least half a hop of it was in no window yet, or if
    there was no window at all. Holds about one window and one block in memory.

    With `before`, each window has a context with the frames in front of it, at most as many. Windows and contexts are
    then views of common arrays.

    >>> blocks = [np.zeros((6, 1), np.float32), np.zeros((4, 1), np.float32)]
    >>> [window.start_frame for window in cut_windows(blocks, window=4, hop=2)]
    [0, 2, 4, 6]

    See also `tidzam.audio.files.open_audio`, whose blocks it cuts, and `window_features`.
    """
    if before:
        yield from _windows_with_context(blocks, window=window, hop=hop, before=before)
        return
    start = covered = filled = 0
    samples: Float32 | None = None
    for block in blocks:
        if samples is None:
            samples = np.empty((block.shape[1], window), np.float32)
        taken = 0
        while taken < len(block):
            count = min(window - filled, len(block) - taken)
            samples[:, filled : filled + count] = block[taken : taken + count].T
            filled, taken = filled + count, taken + count
            if filled == window:
                yield Window(start, samples)
                covered, start, filled = start + window, start + hop, window - hop
                last, samples = samples, np.empty_like(samples)
                samples[:, :filled] = last[:, hop:]
    end = start + filled
    if samples is not None and filled and (not covered or end - covered >= hop / 2):
        samples[:, filled:] = 0
        yield Window(start, samples, window - filled)


def _windows_with_context(blocks: Iterable[Float32], *, window: int, hop: int, before: int) -> Iterator[Window]:
    """`cut_windows` with a context per window."""
    parts: list[Float32] = []
    first = end = start = covered = 0  # the stream from `first` to `end` is held
    for block in blocks:
        parts.append(block.T)
        end += len(block)
        if end < start + window:
            continue
        stream = np.concatenate(parts, axis=1)
        while start + window <= end:
            yield _with_context(stream, start - first, window, before, start_frame=start)
            covered, start = start + window, start + hop
        kept = max(0, start - before - first)
        first += kept
        parts = [stream[:, kept:]]
    if end > start and (not covered or end - covered >= hop / 2):
        missing = start + window - end
        stream = np.pad(np.concatenate(parts, axis=1), ((0, 0), (0, missing)))
        yield _with_context(stream, start - first, window, before, start_frame=start, missing=missing)


def _with_context(
    stream: Float32, begin: int, window: int, before: int, *, start_frame: int, missing: int = 0
) -> Window:
    """The window that begins at the frame `begin` of `stream` (channels, frames)."""
    context = stream[:, max(0, begin - before) : begin + window]
    return Window(start_frame, context[:, context.shape[1] - window :], missing, context)


def with_last(items: Iterable[_T]) -> Iterator[tuple[_T, bool]]:
    """Each item, and whether it is the last one. They are taken one ahead."""
    iterator = iter(items)
    item = next(iterator, None)
    while item is not None:
        following = next(iterator, None)
        yield item, following is None
        item = following


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
    return np.ascontiguousarray(samples)


def _at_rate(windows: Float32, rate_hz: int, spec: InputSpec) -> Float32:
    """`windows` (n, frames) at the rate of `spec`."""
    samples = resample(windows, rate_hz, spec.rate_hz)
    missing = spec.window_samples - samples.shape[1]
    if abs(missing) == 1:  # window_s is not a whole number of frames at one of the rates
        samples = np.pad(samples, ((0, 0), (0, 1)))[:, : spec.window_samples]
    return samples
