"""A picture of a file: the spectrogram of each channel, with the detections drawn on it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analyzer.files.recording import AnalyzedFile
from analyzer.files.report import FileDetection
from analyzer.result_formats.base import naming_errors
from tidzam.atomic import write_atomically
from tidzam.errors import ConfigError, SetupError
from tidzam.results import AnalyzedBatch
from tidzam.text import printable
from tidzam.types import Float32

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES: Final = frozenset({".png", ".svg", ".pdf"})
MAX_CHANNELS: Final = 16
_FFT: Final = 1024
_HOP: Final = 512
_WINDOW: Final = np.hanning(_FFT + 1)[:-1].astype(np.float32)
_MAX_COLUMNS: Final = 2048
_RANGE_DB: Final = 80.0
_LANES: Final = 5
"""Labels of detections that overlap are written below one another, in so many lanes."""


class LoudestSpectra:
    """Power spectra of samples in the order of time, the loudest of each column: at most twice `columns` of them.

    When there are more, pairs of columns are merged, so that any length is held in the same memory.
    """

    def __init__(self, channels: int, *, columns: int = _MAX_COLUMNS) -> None:
        self._columns, self._channels = columns, channels
        self._merged = 1
        self._spectra = np.zeros((channels, _FFT // 2 + 1, 0), np.float32)
        self._rest = np.zeros((channels, 0), np.float32)
        self._count = 0

    @property
    def frames_per_column(self) -> int:
        return self._merged * _HOP

    def add(self, samples: Float32) -> None:
        """Take the next samples (channels, n)."""
        samples = np.concatenate([self._rest, samples], axis=1)
        count = max(0, (samples.shape[1] - _FFT) // _HOP + 1)
        self._rest = samples[:, count * _HOP :]
        if count:
            pieces = np.lib.stride_tricks.sliding_window_view(samples, _FFT, axis=1)[:, ::_HOP][:, :count]
            power = np.abs(np.fft.rfft(pieces * _WINDOW, axis=2)) ** 2
            self._merge_in(power.astype(np.float32).transpose(0, 2, 1))

    def _merge_in(self, power: Float32) -> None:
        """Add spectra (channels, bins, n)."""
        index = (self._count + np.arange(power.shape[2])) // self._merged
        self._count += power.shape[2]
        missing = int(index[-1]) + 1 - self._spectra.shape[2]
        if missing > 0:
            fresh = np.zeros((self._channels, power.shape[1], missing), np.float32)
            self._spectra = np.concatenate([self._spectra, fresh], axis=2)
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        loudest = np.maximum.reduceat(power, starts, axis=2)
        at = index[starts]
        self._spectra[:, :, at] = np.maximum(self._spectra[:, :, at], loudest)
        while self._spectra.shape[2] > 2 * self._columns:
            pairs = np.arange(0, self._spectra.shape[2], 2)
            self._spectra = np.maximum.reduceat(self._spectra, pairs, axis=2)
            self._merged *= 2

    def decibels(self) -> Float32:
        """Spectra (channels, bins, columns) in dB, relative to the loudest value of all."""
        if self._rest.shape[1] and not self._count:
            self.add(np.zeros((self._channels, _FFT), np.float32))  # the file is shorter than a spectrum
        peak = max(float(self._spectra.max(initial=0.0)), 1e-12)
        levels: Float32 = 10 * np.log10(np.maximum(self._spectra / peak, 10 ** (-_RANGE_DB / 10)))
        return levels


class DetectionPicture:
    """Gathers the sound of a file while it is analyzed, and draws it at the end."""

    def __init__(self, recording: AnalyzedFile) -> None:
        """Raises SetupError without Matplotlib, and ConfigError if there are too many channels for a picture."""
        _figure_class()
        if len(recording.names) > MAX_CHANNELS:
            raise ConfigError(
                f"The file has {len(recording.names)} channels; a picture shows at most {MAX_CHANNELS}.",
                hint="Choose one with -c.",
            )
        self._recording = recording
        self._spectra = LoudestSpectra(len(recording.names))
        self._frame = 0

    def add(self, analyzed: AnalyzedBatch) -> None:
        """Take the samples of the next windows that were not in the ones before."""
        batch = analyzed.batch
        if not batch.channels:
            return
        end = batch.samples.shape[1] - batch.gap_frames[0]
        self._spectra.add(batch.samples[:, max(0, self._frame - batch.start_frame) : end])
        self._frame = batch.start_frame + end

    def save(self, path: Path, found: Sequence[FileDetection]) -> None:
        """Write the picture in the format of the suffix of `path`. Raises TidzamError (`output`)."""
        drawn, figure = io.BytesIO(), self._draw(found)
        figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=100)
        with naming_errors(path):
            write_atomically(path, drawn.getbuffer())

    def _draw(self, found: Sequence[FileDetection]) -> Any:
        recording = self._recording
        channels = list(recording.names.values())
        figure = _figure_class()(figsize=(14, 1.2 + 2.6 * len(channels)), layout="constrained")
        rows = figure.subplots(len(channels), 1, sharex=True, squeeze=False)[:, 0]
        colors = _colors(found)
        levels = self._spectra.decibels()
        duration_s = self._frame / recording.rate_hz
        for row, channel, spectra in zip(rows, channels, levels, strict=True):
            self._draw_spectra(row, spectra)
            row.set_xlim(0, duration_s)
            row.set_ylabel(f"channel {channel}\nkHz")
            _draw_detections(
                row, [one for one in found if channel in (one.channels or (one.channel,))], colors, duration_s
            )
        start = f", from {recording.start:%Y-%m-%d %H:%M:%S} UTC" if recording.dated else ""
        rows[-1].set_xlabel("s")
        name = next(iter(recording.names)).rpartition(":")[0]
        figure.suptitle(f"{printable(name)}{start}".replace("$", r"\$"))
        return figure

    def _draw_spectra(self, row: Axes, spectra: Float32) -> None:
        rate_hz = self._recording.rate_hz
        end_s = spectra.shape[1] * self._spectra.frames_per_column / rate_hz
        extent = (0.0, end_s, 0.0, rate_hz / 2000)
        row.imshow(spectra, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-_RANGE_DB, vmax=0)


def _colors(found: Sequence[FileDetection]) -> dict[str, Any]:
    """A color per class, the same in all channels."""
    from matplotlib import colormaps

    palette = colormaps["tab20"].colors  # type: ignore[attr-defined]  # a listed color map
    labels = sorted({one.detection.label for one in found})
    return {label: palette[(2 * number) % 20 + (number // 10) % 2] for number, label in enumerate(labels)}


def _draw_detections(row: Axes, found: Sequence[FileDetection], colors: dict[str, Any], duration_s: float) -> None:
    """A frame around the time of each detection, and its class where there is room for it."""
    top = row.get_ylim()[1]
    free_s = [0.0] * _LANES
    for one in sorted(found, key=lambda one: one.start_s):
        label, color = one.detection.label, colors[one.detection.label]
        row.axvspan(one.start_s, one.end_s, facecolor=(*color, 0.12), edgecolor=color, linewidth=1.2)
        lane = next((lane for lane, from_s in enumerate(free_s) if from_s <= one.start_s), None)
        if lane is None:
            continue
        text = f"{printable(label)} {one.detection.peak_probability:.2f}"
        free_s[lane] = one.start_s + 0.0075 * len(text) * duration_s
        row.text(
            one.start_s,
            top * (0.98 - 0.1 * lane),
            f" {text}".replace("$", r"\$"),
            color="white",
            fontsize=8,
            verticalalignment="top",
            clip_on=True,
            bbox={"facecolor": color, "edgecolor": "none", "pad": 1, "alpha": 0.8},
        )


def _figure_class() -> Any:
    """Matplotlib's `Figure`, which takes half a second to import."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SetupError(
            "Pictures need the package matplotlib.",
            hint="Run `bin/tidzam install show`, or `pip install 'tidzam[show]'`.",
        ) from None
    return Figure
