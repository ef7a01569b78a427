"""The smallest and largest samples of recordings, at several resolutions, so that long periods are drawn fast."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

BUCKETS_PER_S: Final = 20
"""The finest resolution. What is shorter is drawn from the sound itself."""
_FACTOR: Final = 16
_FULL_SCALE: Final = 32767
_TOLERANCE: Final = 1e-6
"""Of a pixel or bucket: times that are multiples of their lengths are not exactly so in floating point."""

Peaks = NDArray[np.int16]
"""The smallest and the largest samples, times 32767: shape (channels, buckets, 2)."""


@dataclass(frozen=True)
class PeakPyramid:
    """The peaks of a recording. Each level has a sixteenth of the buckets of the one before; `bucket_s` are their
    lengths in seconds."""

    levels: tuple[Peaks, ...]
    bucket_s: tuple[float, ...]

    @classmethod
    def of(cls, blocks: Iterable[Float32], rate_hz: int) -> Self:
        """The peaks of consecutive samples, (frames, channels) per block. Raises ValueError if there are none."""
        size = max(1, round(rate_hz / BUCKETS_PER_S))
        levels, lengths = [_buckets(blocks, size)], [size / rate_hz]
        while levels[-1].shape[1] > _FACTOR:
            levels.append(_merged(levels[-1]))
            lengths.append(lengths[-1] * _FACTOR)
        return cls(tuple(levels), tuple(lengths))

    def save(self, path: Path) -> None:
        """Write them to a file. Raises OSError."""
        with path.open("wb") as file:
            arrays = {f"level{number}": level for number, level in enumerate(self.levels)}
            np.savez(file, bucket_s=np.array(self.bucket_s), **arrays)  # type: ignore[arg-type]  # its stub has no **

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` has written. Raises OSError and ValueError."""
        with np.load(path, allow_pickle=False) as found:
            lengths = tuple(map(float, found["bucket_s"]))
            return cls(tuple(found[f"level{number}"] for number in range(len(lengths))), lengths)

    def draw(self, line: PeakLine, channel: int, at_s: float) -> None:
        """Add the peaks of a channel to `line`, for a recording that begins `at_s` seconds after the line does.

        A recording without the channel adds nothing.
        """
        if not self.levels or channel >= self.levels[0].shape[0]:
            return
        number = max((one for one, length in enumerate(self.bucket_s) if length <= line.pixel_s), default=0)
        buckets, bucket_s = self.levels[number][channel], self.bucket_s[number]
        end_s = at_s + self.levels[0].shape[1] * self.bucket_s[0] - _TOLERANCE * line.pixel_s
        first, last = max(0, int(at_s // line.pixel_s)), min(line.pixels, int(-(-end_s // line.pixel_s)))
        if first >= last:
            return
        edges = (np.arange(first, last + 1) * line.pixel_s - at_s) / bucket_s
        low = np.clip(np.floor(edges[:-1] + _TOLERANCE), 0, len(buckets) - 1).astype(np.intp)
        high = np.clip(np.ceil(edges[1:] - _TOLERANCE), low + 1, len(buckets)).astype(np.intp)
        padded = np.concatenate([buckets, buckets[-1:]])
        bounds = np.column_stack([low, high]).ravel()
        line.take(
            slice(first, last),
            np.minimum.reduceat(padded[:, 0], bounds)[::2],
            np.maximum.reduceat(padded[:, 1], bounds)[::2],
        )


NO_PEAKS: Final = PeakPyramid((), ())
"""Those of a recording that cannot be read."""


class PeakLine:
    """The peaks of a period, one pair per pixel: `low` and `high`, -1 to 1, NaN where nothing is known."""

    def __init__(self, duration_s: float, pixels: int) -> None:
        self.pixels, self.pixel_s = pixels, duration_s / pixels
        self.low = np.full(pixels, np.nan, np.float32)
        self.high = np.full(pixels, np.nan, np.float32)

    def take(self, where: slice, low: Peaks, high: Peaks) -> None:
        """Widen some pixels to peaks, shape (pixels,) each."""
        self.low[where] = np.fmin(self.low[where], low.astype(np.float32) / _FULL_SCALE)
        self.high[where] = np.fmax(self.high[where], high.astype(np.float32) / _FULL_SCALE)

    def take_level(self, start_s: float, end_s: float, level: float) -> None:
        """Widen the pixels of a part to samples from -`level` to `level`. Seconds count from the beginning."""
        first = max(0, int(start_s // self.pixel_s))
        last = min(self.pixels, int(-(-(end_s - _TOLERANCE * self.pixel_s) // self.pixel_s)))
        self.low[first:last] = np.fmin(self.low[first:last], -level)
        self.high[first:last] = np.fmax(self.high[first:last], level)


def _buckets(blocks: Iterable[Float32], size: int) -> Peaks:
    found: list[Peaks] = []
    rest: Float32 | None = None
    for block in blocks:
        samples = block if rest is None else np.concatenate([rest, block])
        whole = len(samples) // size * size
        if whole:
            found.append(_extremes(samples[:whole].reshape(-1, size, samples.shape[1])))
        rest = samples[whole:].copy()
    if rest is not None and len(rest):
        found.append(_extremes(rest[np.newaxis]))
    if not found:
        raise ValueError("there are no samples")
    return np.concatenate(found, axis=1)


def _extremes(samples: Float32) -> Peaks:
    """Of (buckets, frames, channels)."""
    both = np.stack([samples.min(axis=1), samples.max(axis=1)], axis=-1)
    scaled: Peaks = np.rint(np.clip(both, -1, 1) * _FULL_SCALE).astype(np.int16)
    return scaled.transpose(1, 0, 2)


def _merged(peaks: Peaks) -> Peaks:
    """Each sixteen buckets as one."""
    starts = np.arange(0, peaks.shape[1], _FACTOR)
    low = np.minimum.reduceat(peaks[:, :, 0], starts, axis=1)
    high = np.maximum.reduceat(peaks[:, :, 1], starts, axis=1)
    return np.stack([low, high], axis=-1)
