"""Detects speech in a recording, as the analyzer would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tidzam.audio.windows import cut_windows
from tidzam.bundle import cascade_folders, read_bundle
from tidzam.config.privacy import SPEECH_DETECTORS
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.cascade import Cascade
from tidzam.inference.loading import load_cascade
from tidzam.labels import LabelTree
from tidzam.naming import port_name
from tidzam.results import Analysis, WindowBatch
from tidzam.speech.base import DetectorContext, make_detector
from tidzam.speech_times import Interval, merged
from tidzam.types import Float32

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SOURCE: Final = "recording"
_BLOCK_S: Final = 1.0


@dataclass(frozen=True)
class _Cut:
    """How audio is cut into windows, and the classifiers that run on them, if the detector needs any."""

    window_s: float
    hop_s: float
    cascade: Cascade | None


def speech_in(
    blocks: Iterable[Float32], rate_hz: int, settings: AnalyzerSettings, *, home: Path | None
) -> list[tuple[Interval, ...]]:
    """Where somebody speaks on each channel of blocks (frames, channels), in frames; without any margin.

    Raises TidzamError if the detector cannot be loaded.
    """
    cut = _cut(settings, home)
    labels = LabelTree({}) if cut.cascade is None else cut.cascade.labels
    detector = make_detector(settings.privacy, DetectorContext(labels=labels, window_s=_longest_s(cut), home=home))
    assert detector is not None
    channels: tuple[str, ...] = ()
    found: dict[str, list[Interval]] = {}
    window, hop = round(cut.window_s * rate_hz), max(1, round(cut.hop_s * rate_hz))
    for piece in cut_windows(blocks, window=window, hop=hop):
        channels = tuple(port_name(_SOURCE, number) for number in range(len(piece.samples)))
        batch = _batch(piece.samples, channels, rate_hz, piece.start_frame)
        for one in detector.follow(batch, tuple(_analyses(batch, cut.cascade))):
            found.setdefault(one.channel, []).extend(one.speech)
    for one in detector.finish():
        found.setdefault(one.channel, []).extend(one.speech)
    return [merged(found.get(name, ())) for name in channels]


def _cut(settings: AnalyzerSettings, home: Path | None) -> _Cut:
    assert settings.privacy.detector is not None
    if not SPEECH_DETECTORS.load(settings.privacy.detector).needs_classifiers:
        return _Cut(_BLOCK_S, _BLOCK_S, None)
    bundles = [read_bundle(path) for path in cascade_folders(settings.nn, settings.models, home=home)]
    cascade = load_cascade(bundles, settings.engine, gate=settings.gate)
    return _Cut(cascade.window_s, cascade.window_s * (1 - settings.overlap), cascade)


def _longest_s(cut: _Cut) -> float:
    inputs = [one.manifest.input.window_s for one in cut.cascade.classifiers] if cut.cascade else []
    return max([cut.window_s, *inputs])


def _batch(samples: Float32, channels: Sequence[str], rate_hz: int, start: int) -> WindowBatch:
    time = _START + timedelta(seconds=start / rate_hz)
    return WindowBatch(tuple(channels), samples, rate_hz, start, (time,) * len(channels), (0,) * len(channels))


def _analyses(batch: WindowBatch, cascade: Cascade | None) -> Iterator[Analysis]:
    if cascade is None:
        return
    seconds = batch.samples.shape[1] / batch.rate_hz
    for channel, start, found in zip(
        batch.channels, batch.starts, cascade.classify(batch.samples, batch.rate_hz), strict=True
    ):
        yield Analysis(
            channel=channel,
            start=start,
            end=start + timedelta(seconds=seconds),
            start_frame=batch.start_frame,
            result=(),
            probabilities=found.probabilities,
            level_dbfs=0.0,
            gap_frames=0,
            left_out=found.left_out,
        )
