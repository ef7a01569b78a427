"""The analysis of one audio file, faster than real time: its windows, detections and report."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from analyzer.batching import STEP_WINDOWS, analyze_batches
from analyzer.clips.privacy import ClipPrivacy
from analyzer.detections import DetectionStages
from analyzer.files.recording import AnalyzedFile
from analyzer.files.report import FileDetection
from analyzer.pipeline import Pipeline
from analyzer.privacy import PrivateStages, SpeechStage
from analyzer.window_schedule import WindowSchedule
from tidzam.audio.files import AudioFile
from tidzam.audio.recording_time import TimeRules
from tidzam.audio.windows import Window, cut_windows, with_last
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import AudioError
from tidzam.results import AnalyzedBatch, WindowBatch
from tidzam.types import Float32

log = logging.getLogger(__name__)

MAX_WINDOW_SAMPLES: Final = 1 << 24
"""The maximum number of samples in a window over all channels: 64 MB."""


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """What was found in a file, and what of it could not be read or classified.

    `start` is ISO 8601 in UTC, None if it is unknown. `scored_windows` counts those of the `windows` that a novelty
    bundle has judged. `classifier_errors` counts the windows on which each classifier
    failed, `sink_errors` the failures of each sink. `detections` are rows by `FileDetection.json_row`, by start and
    channel. `engine` names the engines that ran the classifiers. `privacy` says what was not kept because of speech,
    None if nothing detects speech (`tidzam.protocol.privacy.PrivacyStatus`). All values can be written as JSON.
    """

    file: str
    rate_hz: int
    channels: tuple[int, ...]
    start: str | None
    time_source: str
    duration_s: float
    truncated: bool
    lost_s: float
    cleaned_samples: int
    windows: int
    classifier_errors: Mapping[str, int]
    sink_errors: Mapping[str, int]
    detections: tuple[Mapping[str, Any], ...]
    engine: str = ""
    privacy: Mapping[str, Any] | None = None
    scored_windows: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether all of the file was read and classified, and every sink has all of it."""
        return not (self.truncated or self.classifier_errors or self.sink_errors)

    def summary(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {**vars(self), "channels": list(self.channels), "detections": list(self.detections)}


class FileAnalysis:
    """Analyzes an open file once. `found` are the detections that have ended, `reached_s` is the position."""

    def __init__(
        self,
        audio: AudioFile,
        pipeline: Pipeline,
        settings: AnalyzerSettings,
        *,
        channel: int | None,
        source: str = "",
        home: Path | None = None,
    ) -> None:
        """`home` is the node's home, which holds speech detectors.

        Raises AudioError if the pipeline cannot analyze such a file, or it has no such channel; TidzamError if a speech
        detector is wanted and cannot be loaded.
        """
        rules = TimeRules.of(settings.files.time_zone, settings.files.name_patterns)
        self.recording = AnalyzedFile.of(audio, channel, rules, source=source)
        pipeline.check_rate(audio.rate_hz)
        self.found: list[FileDetection] = []
        self.reached_s = 0.0
        self._audio, self._pipeline, self._settings = audio, pipeline, settings
        self._speech = SpeechStage(settings.privacy, pipeline, home=home)
        self._schedule = WindowSchedule.of(
            audio.rate_hz, window_s=pipeline.window_s, overlap=settings.overlap, longest_s=pipeline.longest_window_s
        )
        self._errors_before = Counter(pipeline.classifier_errors)
        self._windows = self._scored_windows = 0
        check_memory(self.recording, self._schedule)

    def batches(
        self,
        *,
        node: str,
        stopped: Callable[[], bool] = lambda: False,
        cores: int | None = None,
        at_once: int = STEP_WINDOWS,
    ) -> Generator[AnalyzedBatch]:
        """The analyzed windows of the file, in order, until its end or until `stopped`; then the last detections.

        The analysis runs on `cores`, by default all, on `at_once` windows at most on each.
        """
        stages = PrivateStages(DetectionStages(self._pipeline, self._settings, node=node), self._speech)
        windows = window_batches(self._audio, self.recording, self._schedule)
        with closing(analyze_batches(self._pipeline, windows, cores=cores, at_once=at_once)) as results:
            for batch, analyses in results:
                yield self._noted(stages.follow(batch, analyses))
                if stopped():
                    break
            else:
                self.reached_s = self._audio.frames_read / self._audio.rate_hz
        yield self._noted(stages.last_batch())

    def _noted(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        self._windows += len(analyzed.analyses)
        self._scored_windows += sum(bool(analysis.scores) for analysis in analyzed.analyses)
        if analyzed.analyses:
            self.reached_s = self.recording.seconds(analyzed.analyses[0].end)
        ended = (change.detection for change in analyzed.detections if change.kind == "end")
        self.found += (FileDetection.of(detection, self.recording) for detection in ended)
        return analyzed

    def report(self, *, sink_errors: Mapping[str, int], clips: Sequence[ClipPrivacy] = ()) -> FileReport:
        """The result, after the last batch. `clips` have counted clips with speech."""
        privacy = self._speech.status(clips)
        self.found.sort(key=lambda entry: (entry.start_s, entry.channel))
        audio, recording = self._audio, self.recording
        return FileReport(
            file=str(audio.path),
            rate_hz=audio.rate_hz,
            channels=tuple(recording.names.values()),
            start=recording.start.isoformat() if recording.dated else None,
            time_source=recording.time_source,
            duration_s=round(self.reached_s, 6),
            truncated=audio.truncated,
            lost_s=round(audio.lost_s, 6),
            cleaned_samples=audio.cleaned,
            windows=self._windows,
            classifier_errors=dict(Counter(self._pipeline.classifier_errors) - self._errors_before),
            sink_errors=dict(sink_errors),
            detections=tuple(entry.json_row() for entry in self.found),
            engine=self._pipeline.engine,
            privacy=None if privacy is None else privacy.model_dump(mode="json"),
            scored_windows=self._scored_windows,
        )


def check_memory(recording: AnalyzedFile, schedule: WindowSchedule) -> None:
    """Raises AudioError if a window over all channels is too large to be held in memory."""
    channels, megabytes = len(recording.names), 4 * MAX_WINDOW_SAMPLES >> 20
    if channels * schedule.longest > MAX_WINDOW_SAMPLES:
        raise AudioError(
            f"One window, {schedule.longest / recording.rate_hz:g} s of {channels} channels at {recording.rate_hz} Hz, "
            f"takes {4 * channels * schedule.longest >> 20} MB of memory; the limit is {megabytes} MB.",
            hint="Choose one channel with -c, or split the file by channels.",
            code="audio_large",
        )


def window_batches(audio: AudioFile, recording: AnalyzedFile, schedule: WindowSchedule) -> Iterator[WindowBatch]:
    """The windows of a file: those of live analysis that began at frame 0, and the remainder.

    The part of a window past the end of the file is counted as its gap.
    """
    numbers, replaced = list(recording.names.values()), list[tuple[int, int]]()
    blocks: Iterable[Float32] = _noting_replaced(audio, replaced)
    if len(numbers) < audio.channels:
        blocks = (block[:, numbers] for block in blocks)
    windows = cut_windows(blocks, window=schedule.window, hop=schedule.hop, before=schedule.before)
    for window, is_last in with_last(windows):
        heard = () if window.context is None else (window.context.shape[1],) * len(numbers)
        yield WindowBatch(
            channels=tuple(recording.names),
            samples=window.samples,
            rate_hz=audio.rate_hz,
            start_frame=window.start_frame,
            starts=(recording.time_of(window.start_frame),) * len(numbers),
            gap_frames=(window.missing_frames,) * len(numbers),
            dated=recording.dated,
            hop_frames=schedule.hop,
            context=window.context,
            heard_frames=heard,
            is_last=is_last,
            replaced=(_overlaps(window, replaced),) * len(numbers) if replaced else (),
        )


def _noting_replaced(audio: AudioFile, spans: list[tuple[int, int]]) -> Iterator[Float32]:
    """The blocks of a file. `spans` gets the first frame and the end of each in which samples were replaced."""
    end = cleaned = 0
    for block in audio.blocks():
        start, end = end, end + len(block)
        if audio.cleaned > cleaned:
            spans.append((start, end))
        cleaned = audio.cleaned
        yield block


def _overlaps(window: Window, spans: list[tuple[int, int]]) -> bool:
    """Whether a window, with the sound before it, holds a part of a span. Spans that end before it are removed: later
    windows begin later."""
    end = window.start_frame + window.samples.shape[1]
    heard = window.samples if window.context is None else window.context
    while spans and spans[0][1] <= end - heard.shape[1]:
        del spans[0]
    return any(begin < end for begin, _ in spans)
