"""Analysis of an audio file, faster than real time, with a report of its detections."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from analyzer.batching import analyze_batches
from analyzer.file_report import FileDetection, clock, detection_table
from analyzer.pipeline import Pipeline
from analyzer.playback import play
from analyzer.progress_display import progress
from analyzer.recording import AnalyzedFile
from analyzer.sinks.base import SinkContext, make_sinks
from analyzer.sinks.file_sinks import FileSinks
from analyzer.window_schedule import WindowSchedule
from tidzam.audio.files import AudioFile, open_audio
from tidzam.audio.windows import cut_windows
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import CsvSinkSettings
from tidzam.errors import AudioError
from tidzam.inference.tracker import DetectionTracker
from tidzam.results import AnalyzedBatch, WindowBatch
from tidzam.spectrogram import spectrogram
from tidzam.text import shown
from tidzam.types import Float32

INTERRUPTED: Final = 130
MAX_WINDOW_SAMPLES: Final = 1 << 24
"""The maximum number of samples in a window over all channels: 64 MB."""
_PIPE_WIDTH: Final = 160
"""Table width when stdout is not a terminal, so that rows do not wrap."""


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Options of the analysis of a file. Without a `channel`, all are analyzed. `node` is the node's name."""

    path: Path
    settings: AnalyzerSettings
    node: str
    channel: int | None = None
    as_json: bool = False
    show: bool = False


def run_file(options: FileOptions) -> int:
    """Analyze a file, and print its detections. Returns the exit code: 0; 1 if some of it could not be read or
    classified, or a sink failed; 130 after Ctrl-C.

    Raises TidzamError if the file cannot be analyzed, or a sink cannot be opened.
    """
    settings = options.settings
    with open_audio(options.path) as audio:
        recording = AnalyzedFile.of(audio, options.channel)
        pipeline = Pipeline.of(settings)
        pipeline.check_rate(audio.rate_hz)
        schedule = WindowSchedule.of(audio.rate_hz, window_s=pipeline.window_s, overlap=settings.overlap)
        check_memory(recording, schedule)
        context = SinkContext(node=options.node, labels=pipeline.labels, recording=recording)
        with FileSinks(make_sinks(settings.sinks, context)) as sinks:
            findings = Findings(recording)
            stopped = _analyze(audio, pipeline, schedule, sinks, findings, options)
        errors = dict(pipeline.classifier_errors)
        _report(audio, findings, errors, as_json=options.as_json)
    for name, count in sinks.errors.items():
        typer.echo(f"analyzer: sink {name} failed {count} times; its output is incomplete.", err=True)
    if stopped:
        typer.echo(f"analyzer: interrupted after {findings.duration_s:.1f} s of audio{_kept(settings)}.", err=True)
        return INTERRUPTED
    if options.show:
        play(options.path)
    return int(audio.truncated or bool(errors) or bool(sinks.errors))


def check_memory(recording: AnalyzedFile, schedule: WindowSchedule) -> None:
    """Raises AudioError if a window over all channels is too large to be held in memory."""
    channels, megabytes = len(recording.names), 4 * MAX_WINDOW_SAMPLES >> 20
    if channels * schedule.window > MAX_WINDOW_SAMPLES:
        raise AudioError(
            f"One window, {schedule.window / recording.rate_hz:g} s of {channels} channels at {recording.rate_hz} Hz, "
            f"takes {4 * channels * schedule.window >> 20} MB of memory; the limit is {megabytes} MB.",
            hint="Choose one channel with -c, or split the file by channels.",
            code="audio_large",
        )


def _analyze(
    audio: AudioFile,
    pipeline: Pipeline,
    schedule: WindowSchedule,
    sinks: FileSinks,
    findings: Findings,
    options: FileOptions,
) -> bool:
    """Analyze the file, and pass each batch on. Returns whether Ctrl-C ended it before the file did."""
    tracker = DetectionTracker(pipeline.labels, node=options.node)
    console, stopped = Console(stderr=True), False
    with (
        progress(console, options.path.name, audio.expected_s) as advance_to,
        _ctrl_c() as stop,
        closing(analyze_batches(pipeline, window_batches(audio, findings.recording, schedule))) as results,
    ):
        for batch, analyses in results:
            analyzed = tracker.follow(batch, analyses)
            findings.add(analyzed)
            sinks.deliver(analyzed)
            advance_to(findings.duration_s)
            if options.show:
                _draw(console, pipeline, analyzed)
            if stopped := stop.is_set():
                break
        else:
            findings.duration_s = audio.frames_read / audio.rate_hz
        last = tracker.last_batch()
        findings.add(last)
        sinks.deliver(last)
    return stopped


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """While open, Ctrl-C sets the event, so that no step is interrupted halfway."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _kept(settings: AnalyzerSettings) -> str:
    files = [shown(sink.path) for sink in settings.sinks if isinstance(sink, CsvSinkSettings)]
    return f"; {', '.join(files)} holds the results up to that point" if files else ""


def _draw(console: Console, pipeline: Pipeline, analyzed: AnalyzedBatch) -> None:
    """The first window of each detection, as the selector sees it."""
    batch = analyzed.batch
    for detection in (change.detection for change in analyzed.detections if change.kind == "start"):
        place = (
            f"{shown(detection.channel)} {clock(batch.start_frame / batch.rate_hz)} {shown(' > '.join(detection.path))}"
        )
        console.print(Text(place, "bold"))
        samples = batch.samples[batch.channels.index(detection.channel)]
        console.print(spectrogram(pipeline.spectrogram(samples, batch.rate_hz)), no_wrap=True)


def window_batches(audio: AudioFile, recording: AnalyzedFile, schedule: WindowSchedule) -> Iterator[WindowBatch]:
    """The windows of a file: those of live analysis that began at frame 0, and the remainder.

    The part of a window past the end of the file is counted as its gap.
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
            starts=(recording.time_of(window.start_frame),) * len(numbers),
            gap_frames=(window.missing_frames,) * len(numbers),
        )


class Findings:
    """Gathers the detections of a file for its report."""

    def __init__(self, recording: AnalyzedFile) -> None:
        self.found: list[FileDetection] = []
        self.windows = 0
        self.duration_s = 0.0
        self.recording = recording

    def add(self, analyzed: AnalyzedBatch) -> None:
        """Take the next batch."""
        self.windows += len(analyzed.analyses)
        if analyzed.analyses:
            self.duration_s = self.recording.seconds(analyzed.analyses[0].end)
        ended = (change.detection for change in analyzed.detections if change.kind == "end")
        self.found += (FileDetection.of(detection, self.recording) for detection in ended)


def _report(audio: AudioFile, findings: Findings, errors: Mapping[str, int], *, as_json: bool) -> None:
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
    console.print(detection_table(found) if found else "No detections.")
    for name, windows in errors.items():
        typer.echo(f"analyzer: classifier {name} failed on {windows} windows; its results are left out.", err=True)
