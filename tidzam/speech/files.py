"""Speech in a file, as the analyzer would find it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tidzam.audio.windows import cut_windows, with_last
from tidzam.bundle import cascade_folders, read_bundle
from tidzam.bundle.promotions import load_promoted
from tidzam.config.privacy import SPEECH_DETECTORS
from tidzam.config.settings import AnalyzerSettings
from tidzam.inference.cascade import Cascade
from tidzam.inference.loading import load_cascade
from tidzam.inference.longer_windows import Handover, LongerWindows
from tidzam.labels import LabelTree
from tidzam.naming import port_name
from tidzam.results import Analysis, WindowBatch
from tidzam.speech.base import DetectorContext, SpeechDetector, make_detector
from tidzam.speech_times import Interval, merged
from tidzam.types import Float32

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SOURCE: Final = "recording"
_BLOCK_S: Final = 1.0


class FileClassifiers:
    """The classifiers of a node, run on one file as the analyzer does. Only their probabilities matter here."""

    def __init__(self, settings: AnalyzerSettings, home: Path | None) -> None:
        """Raises the errors of `read_bundle` and `load_cascade`."""
        bundles = [read_bundle(path) for path in cascade_folders(settings.nn, settings.models, home=home)]
        self.cascade: Cascade = load_cascade(bundles, settings.engine, gate=settings.gate)
        self._left: Handover | None = None

    def analyses(self, batch: WindowBatch) -> Iterator[Analysis]:
        """The analyses of the next windows."""
        longer = None
        if self.cascade.has_longer_windows:
            after = self.cascade.handover()
            longer, self._left = LongerWindows.of([batch], self._left, after), after
        end = batch.starts[0] + timedelta(seconds=batch.samples.shape[1] / batch.rate_hz)
        predictions = self.cascade.classify(batch.samples, batch.rate_hz, longer=longer)
        for channel, start, found in zip(batch.channels, batch.starts, predictions, strict=True):
            yield Analysis(
                channel=channel,
                start=start,
                end=end,
                start_frame=batch.start_frame,
                result=(),
                probabilities=found.probabilities,
                level_dbfs=0.0,
                gap_frames=0,
                left_out=found.left_out,
                ages_s=found.ages_s,
                waiting=found.waiting,
            )


def speech_in(
    blocks: Iterable[Float32], rate_hz: int, settings: AnalyzerSettings, *, home: Path | None
) -> list[tuple[Interval, ...]]:
    """Where somebody speaks on each channel of blocks (frames, channels), in frames; without any margin.

    Raises TidzamError if the detector cannot be loaded.
    """
    assert settings.privacy.detector is not None
    classifiers: FileClassifiers | None = None
    if SPEECH_DETECTORS.load(settings.privacy.detector).needs_classifiers:
        classifiers, detector = load_promoted(settings, home, lambda chosen: _with_classifiers(chosen, home))
    else:
        detector = _detector(settings, DetectorContext(labels=LabelTree({}), home=home))
    channels: tuple[str, ...] = ()
    found: dict[str, list[Interval]] = {}
    for batch in _batches(blocks, rate_hz, classifiers, overlap=settings.overlap):
        channels = batch.channels
        analyses = () if classifiers is None else tuple(classifiers.analyses(batch))
        for one in detector.follow(batch, analyses):
            found.setdefault(one.channel, []).extend(one.speech)
    for one in detector.finish():
        found.setdefault(one.channel, []).extend(one.speech)
    return [merged(found.get(name, ())) for name in channels]


def _with_classifiers(settings: AnalyzerSettings, home: Path | None) -> tuple[FileClassifiers, SpeechDetector]:
    classifiers = FileClassifiers(settings, home)
    cascade = classifiers.cascade
    context = DetectorContext(labels=cascade.labels, window_s=cascade.longest_window_s, home=home)
    return classifiers, _detector(settings, context)


def _detector(settings: AnalyzerSettings, context: DetectorContext) -> SpeechDetector:
    detector = make_detector(settings.privacy, context)
    assert detector is not None
    return detector


def _batches(
    blocks: Iterable[Float32], rate_hz: int, classifiers: FileClassifiers | None, *, overlap: float
) -> Iterator[WindowBatch]:
    """The windows of a file, as the analyzer cuts them."""
    window_s, longest_s = (_BLOCK_S, _BLOCK_S)
    if classifiers is not None:
        window_s, longest_s = classifiers.cascade.window_s, classifiers.cascade.longest_window_s
    window = round(window_s * rate_hz)
    hop = window if classifiers is None else max(1, round(window * (1 - overlap)))
    pieces = cut_windows(blocks, window=window, hop=hop, before=max(0, round(longest_s * rate_hz) - window))
    for piece, is_last in with_last(pieces):
        count = len(piece.samples)
        time = _START + timedelta(seconds=piece.start_frame / rate_hz)
        yield WindowBatch(
            channels=tuple(port_name(_SOURCE, number) for number in range(count)),
            samples=piece.samples,
            rate_hz=rate_hz,
            start_frame=piece.start_frame,
            starts=(time,) * count,
            gap_frames=(0,) * count,
            hop_frames=hop,
            context=piece.context,
            heard_frames=() if piece.context is None else (piece.context.shape[1],) * count,
            is_last=is_last,
        )
