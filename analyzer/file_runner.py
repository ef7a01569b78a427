"""Listening to a file, as fast as it goes, and saying what was heard."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from analyzer.batching import analyzed
from analyzer.extraction import ExtractionRule, Extractor
from analyzer.file_report import COLUMNS, EPOCH, FileDetection, clock, detection_table
from analyzer.pipeline import Pipeline
from analyzer.progress_display import play, progress
from analyzer.sinks.csv_file import CsvFile
from analyzer.window_schedule import WindowSchedule
from tidzam.audio.files import AudioFile, open_audio
from tidzam.audio.windows import cut_windows
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import AudioError
from tidzam.inference.tracker import DetectionTracker
from tidzam.labels import LabelTree
from tidzam.naming import port_name, split_date
from tidzam.results import Analysis, Detection, WindowBatch
from tidzam.spectrogram import spectrogram
from tidzam.text import shown
from tidzam.types import Float32

INTERRUPTED: Final = 130
MAX_WINDOW_SAMPLES: Final = 1 << 24
"""The most samples in a window over all channels: 64 MB. The larger the windows, the fewer are in memory at a time."""
_PIPE_WIDTH: Final = 160
"""Who reads a pipe has no use for folded lines."""


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """What is to be done with a file. Without a `channel`, all are listened to."""

    path: Path
    settings: AnalyzerSettings
    channel: int | None = None
    out: Path | None = None
    rules: tuple[ExtractionRule, ...] = ()
    csv: Path | None = None
    as_json: bool = False
    show: bool = False


@dataclass(frozen=True)
class Recording:
    """A sound file's place in time, and the channels of it that are listened to.

    `names` maps the channels, called as their JACK ports would be, to their numbers in the file.
    """

    rate_hz: int
    start: datetime
    dated: bool
    names: dict[str, int]

    @classmethod
    def of(cls, audio: AudioFile, channel: int | None) -> Recording:
        """Raises AudioError (`channel`) if the file has no such channel."""
        if channel is not None and channel >= audio.channels:
            has = "one channel, 0" if audio.channels == 1 else f"{audio.channels} channels, 0 to {audio.channels - 1}"
            raise AudioError(
                f"{shown(audio.path)} has {has}; there is no channel {channel}.",
                hint="Choose one with -c, or leave it out for all.",
                code="channel",
            )
        name, start = split_date(audio.path.stem)
        numbers = range(audio.channels) if channel is None else [channel]
        names = {port_name(name, number): number for number in numbers}
        return cls(audio.rate_hz, start or EPOCH, start is not None, names)

    def time_of(self, frame: int) -> datetime:
        """The moment at which a frame of the file began; in a file without a date, counted from the epoch."""
        return self.start + timedelta(seconds=frame / self.rate_hz)

    def seconds(self, moment: datetime) -> float:
        """From the file's beginning, exact to a frame."""
        return round((moment - self.start).total_seconds() * self.rate_hz) / self.rate_hz


def run_file(options: FileOptions) -> int:
    """Analyze a file, and print its detections. Returns the exit code: 0; 1 if some of it could not be read or
    classified; 130 after Ctrl-C.

    Raises TidzamError if the file cannot be listened to.
    """
    settings = options.settings
    with open_audio(options.path) as audio, ExitStack() as stack:
        recording = Recording.of(audio, options.channel)
        pipeline = Pipeline.of(settings)
        pipeline.check_rate(audio.rate_hz)
        schedule = WindowSchedule.of(audio.rate_hz, window_s=pipeline.window_s, overlap=settings.overlap)
        check_memory(recording, schedule)
        csv = stack.enter_context(closing(CsvFile(options.csv, COLUMNS))) if options.csv else None
        findings = Findings(recording, pipeline.labels, csv)
        stopped = _listen(audio, pipeline, schedule, findings, options)
        findings.finish()
        errors = dict(pipeline.classifier_errors)
        _tell(audio, findings, errors, as_json=options.as_json)
    if stopped:
        kept = f"; {shown(options.csv)} holds the results up to that point" if options.csv else ""
        typer.echo(f"analyzer: interrupted after {findings.duration_s:.1f} s of sound{kept}.", err=True)
        return INTERRUPTED
    if options.show:
        play(options.path)
    return int(audio.truncated or bool(errors))


def check_memory(recording: Recording, schedule: WindowSchedule) -> None:
    """Raises AudioError if a window over all channels is too large to be held in memory."""
    channels, megabytes = len(recording.names), 4 * MAX_WINDOW_SAMPLES >> 20
    if channels * schedule.window > MAX_WINDOW_SAMPLES:
        raise AudioError(
            f"One window, {schedule.window / recording.rate_hz:g} s of {channels} channels at {recording.rate_hz} Hz, "
            f"takes {4 * channels * schedule.window >> 20} MB of memory; the limit is {megabytes} MB.",
            hint="Choose one channel with -c, or split the file by channels.",
            code="audio_large",
        )


def _listen(
    audio: AudioFile, pipeline: Pipeline, schedule: WindowSchedule, findings: Findings, options: FileOptions
) -> bool:
    """Fill `findings`, keep clips, show what is to be shown. Returns whether Ctrl-C ended it before the file did."""
    extractor = Extractor(options.out, options.rules, pipeline.labels) if options.out else None
    console = Console(stderr=True)
    with (
        progress(console, options.path.name, audio.expected_s) as advance_to,
        _ctrl_c() as stop,
        closing(analyzed(pipeline, window_batches(audio, findings.recording, schedule))) as all_heard,
    ):
        for batch, analyses in all_heard:
            started = findings.add(analyses)
            advance_to(findings.duration_s)
            if extractor is not None:
                extractor.take(batch, analyses)
            if options.show:
                _draw(console, pipeline, batch, started)
            if stop.is_set():
                return True
    findings.duration_s = audio.frames_read / audio.rate_hz
    return False


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """While open, Ctrl-C sets the event, so that no step is cut in half."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _draw(console: Console, pipeline: Pipeline, batch: WindowBatch, started: Iterable[Detection]) -> None:
    """The first window of each detection, as the selector sees it."""
    for detection in started:
        place = (
            f"{shown(detection.channel)} {clock(batch.start_frame / batch.rate_hz)} {shown(' > '.join(detection.path))}"
        )
        console.print(Text(place, "bold"))
        samples = batch.samples[batch.channels.index(detection.channel)]
        console.print(spectrogram(pipeline.spectrogram(samples, batch.rate_hz)), no_wrap=True)


def window_batches(audio: AudioFile, recording: Recording, schedule: WindowSchedule) -> Iterator[WindowBatch]:
    """The windows of a file: those that live listening would cut, had it begun at frame 0, and what is left over.

    What a window lacks behind the end of the file is counted as its gap.
    """
    numbers = list(recording.names.values())
    blocks: Iterable[Float32] = audio.blocks()
    if len(numbers) < audio.channels:
        blocks = (block[:, numbers] for block in blocks)
    for window in cut_windows(blocks, window=schedule.window, hop=schedule.hop):
        yield WindowBatch(
            channels=tuple(recording.names),
            samples=window.samples,
            rate_hz=audio.rate_hz,
            start_frame=window.start_frame,
            start=recording.time_of(window.start_frame),
            gap_frames=(window.missing_frames,) * len(numbers),
        )


class Findings:
    """Gathers detections, and writes each down as it ends."""

    def __init__(self, recording: Recording, labels: LabelTree, csv: CsvFile | None) -> None:
        self.found: list[FileDetection] = []
        self.windows = 0
        self.duration_s = 0.0
        self.recording = recording
        self._detector = DetectionTracker(labels)
        self._csv = csv

    def add(self, analyses: tuple[Analysis, ...]) -> list[Detection]:
        """Take what was heard next, of every channel. Returns the detections that began."""
        self.windows += len(analyses)
        self.duration_s = self.recording.seconds(analyses[0].end)
        events = self._detector.add(analyses)
        self._keep(event.detection for event in events if event.kind == "end")
        return [event.detection for event in events if event.kind == "start"]

    def finish(self) -> None:
        """The file is over: whatever sounds ends."""
        self._keep(event.detection for event in self._detector.finish())

    def _keep(self, ended: Iterable[Detection]) -> None:
        recording = self.recording
        for detection in ended:
            span = recording.seconds(detection.start), recording.seconds(detection.end)
            entry = FileDetection(recording.names[detection.channel], *span, recording.dated, detection)
            self.found.append(entry)
            if self._csv is not None:
                self._csv.add(entry.row())


def _tell(audio: AudioFile, findings: Findings, errors: Mapping[str, int], *, as_json: bool) -> None:
    """Print the result. `errors` counts the windows on which each classifier failed."""
    channels = list(findings.recording.names.values())
    found = sorted(findings.found, key=lambda entry: (entry.start_s, entry.channel))
    if as_json:
        summary = {
            "file": str(audio.path),
            "rate_hz": audio.rate_hz,
            "channels": channels,
            "duration_s": round(findings.duration_s, 6),
            "truncated": audio.truncated,
            "lost_s": round(audio.lost_s, 6),
            "cleaned_samples": audio.cleaned,
            "windows": findings.windows,
            "classifier_errors": errors,
            "detections": [entry.row() for entry in found],
        }
        typer.echo(json.dumps(summary))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    which = f"channel {channels[0]}" if len(channels) == 1 else f"{len(channels)} channels"
    facts = f"{clock(findings.duration_s)}, {which} at {audio.rate_hz} Hz, {findings.windows} windows"
    console.print(f"{shown(audio.path.name)}: {facts}", markup=False)
    console.print(detection_table(found) if found else "No class was heard.")
    for name, windows in errors.items():
        typer.echo(f"analyzer: classifier {name} failed on {windows} windows; its results are left out.", err=True)
