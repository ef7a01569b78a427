"""Spectrograms of what is heard, in columns of a tenth of a second. Pure."""

from __future__ import annotations

import base64
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec, extract
from tidzam.protocol.spectrogram import (
    BANDS,
    HIGHEST_DB,
    LOWEST_DB,
    LOWEST_HZ,
    UNKNOWN,
    ChannelSpectrogram,
    SpectrogramEvent,
)
from tidzam.results import WindowBatch
from tidzam.speech_times import SpeechStatement
from tidzam.types import Float32

_COLUMNS_PER_S: Final = 10
_FRAMES_PER_COLUMN: Final = 4
_FFT_S: Final = 0.046
"""About the length of an FFT, a power of two: 2048 samples at 44.1 and 48 kHz."""
_HIGHEST_HZ: Final = 12_000.0
_MOST_LOST: Final = 0.1
"""The share of a column that may be lost: zeros in place of sound are heard as clicks."""
_HELD_S: Final = 30.0
"""How long columns wait for what is known about speech; what is not known then is not shown."""


@dataclass(frozen=True)
class SpectrogramPart:
    """The spectrogram of a channel from `start_frame` to `end_frame`; `columns` has shape (columns, bands)."""

    channel: str
    start: datetime
    start_frame: int
    end_frame: int
    rate_hz: int
    columns: NDArray[np.uint8]

    @property
    def column_s(self) -> float:
        """The length of a column in seconds."""
        return (self.end_frame - self.start_frame) / len(self.columns) / self.rate_hz

    def without(self, intervals: Iterable[tuple[int, int]]) -> SpectrogramPart:
        """The same, but for columns that touch frames in one of the intervals: these are unknown."""
        columns, length = self.columns.copy(), (self.end_frame - self.start_frame) / len(self.columns)
        for first, last in intervals:
            begin, end = (first - self.start_frame) / length, (last - self.start_frame) / length
            columns[max(0, int(begin)) : max(0, int(np.ceil(end)))] = UNKNOWN
        return replace(self, columns=columns)


def highest_hz(rate_hz: int) -> float:
    """The upper edge of the highest band at a sample rate."""
    return min(_HIGHEST_HZ, rate_hz / 2)


def quantized(level_db: Float32) -> NDArray[np.uint8]:
    """Levels in dB as bytes: 1 at LOWEST_DB or less, 255 at HIGHEST_DB or more.

    >>> quantized(np.array([-200, -100, -60, -20, 0], np.float32)).tolist()
    [1, 1, 128, 255, 255]
    """
    share = (level_db - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB)
    values: NDArray[np.uint8] = (1 + np.rint(254 * np.clip(share, 0, 1))).astype(np.uint8)
    return values


def spectrogram_parts(batch: WindowBatch, rows: Sequence[int]) -> list[SpectrogramPart]:
    """The spectrograms of some channels of a batch: of what the window before did not hold, if they overlap."""
    if not rows:
        return []
    heard = batch.samples.shape[1]
    new = min(heard, batch.hop_frames or heard)
    samples = batch.samples[list(rows), heard - new :]
    columns = _columns(samples, batch.rate_hz)
    first = batch.start_frame + heard - new
    parts = []
    for place, row in enumerate(rows):
        if batch.gap_frames[row]:
            _blank(columns[place], samples[place])
        start = batch.starts[row] + timedelta(seconds=(heard - new) / batch.rate_hz)
        parts.append(SpectrogramPart(batch.channels[row], start, first, first + new, batch.rate_hz, columns[place]))
    return parts


def _columns(samples: Float32, rate_hz: int) -> NDArray[np.uint8]:
    """Columns of samples (channels, frames): shape (channels, columns, bands)."""
    length = samples.shape[1]
    count = max(1, round(_COLUMNS_PER_S * length / rate_hz))
    hop = max(1, length // (count * _FRAMES_PER_COLUMN))
    fft = max(2 ** round(np.log2(_FFT_S * rate_hz)), 2 ** int(np.ceil(np.log2(hop))))
    before = (fft - hop) // 2
    padded = np.pad(samples, ((0, 0), (before, fft - hop - before)), mode="reflect")  # frames are about their middle
    spec = FeatureSpec(
        rate_hz=rate_hz,
        window_s=padded.shape[1] / rate_hz,
        fft_length=fft,
        hop_length=hop,
        n_mels=BANDS,
        fmin_hz=LOWEST_HZ,
        fmax_hz=highest_hz(rate_hz),
        floor_db=LOWEST_DB,
    )
    levels = extract(padded, spec)[:, : count * _FRAMES_PER_COLUMN]
    return quantized(levels.reshape(len(samples), count, _FRAMES_PER_COLUMN, BANDS).max(axis=2))


def _blank(columns: NDArray[np.uint8], samples: Float32) -> None:
    """Mark the columns of a channel of which samples were lost, which are zeros."""
    for column, part in zip(columns, np.array_split(samples, len(columns)), strict=True):
        if np.count_nonzero(part) < (1 - _MOST_LOST) * len(part):
            column[:] = UNKNOWN


def spectrogram_event(parts: Sequence[SpectrogramPart], *, node: str) -> SpectrogramEvent:
    """The event of spectrograms, of which there is at least one."""
    return SpectrogramEvent(
        node=node,
        highest_hz=highest_hz(parts[0].rate_hz),
        channels=tuple(
            ChannelSpectrogram(
                channel=part.channel,
                start=part.start,
                column_s=round(part.column_s, 6),
                columns=base64.b64encode(part.columns.tobytes()).decode(),
            )
            for part in parts
        ),
    )


class PrivateSpectrograms:
    """Holds spectrograms back until it is known where a person speaks, and shows nothing there.

    Without statements about speech, nothing detects it, and all is shown at once.
    """

    def __init__(self) -> None:
        self._held: dict[str, deque[SpectrogramPart]] = {}

    def follow(self, parts: Iterable[SpectrogramPart], statement: SpeechStatement | None) -> list[SpectrogramPart]:
        """What may be shown now, of these parts and of those before."""
        if statement is None:
            self._held.clear()
            return list(parts)
        for part in parts:
            held = self._held.setdefault(part.channel, deque())
            if held and part.start_frame < held[-1].end_frame:
                held.clear()  # of another clock
            held.append(part)
        return [shown for held in self._held.values() for shown in _judged(held, statement)]


def _judged(held: deque[SpectrogramPart], statement: SpeechStatement) -> Iterable[SpectrogramPart]:
    """The first parts of a channel, as far as they are judged, or have waited too long. They are taken out."""
    while held:
        part = held[0]
        private = statement.private(part.channel, part.start_frame, part.end_frame)
        if private is None:
            if held[-1].end_frame - part.end_frame <= _HELD_S * part.rate_hz:
                return
            private = ((part.start_frame, part.end_frame),)
        held.popleft()
        yield part.without(private)
