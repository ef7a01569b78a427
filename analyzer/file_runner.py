"""Analysis of one audio file from the command line, with a table of its detections."""

from __future__ import annotations

import gc
import json
import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from analyzer.files.analysis import FileAnalysis, FileReport
from analyzer.files.detection_table import detection_table
from analyzer.files.progress_display import progress
from analyzer.files.recording import AnalyzedFile
from analyzer.files.report import FileDetection, clock
from analyzer.pipeline import Pipeline
from analyzer.result_formats.base import check_file
from analyzer.show.picture import DetectionPicture
from analyzer.show.playback import has_display, play
from analyzer.show.window import SpectrogramWindow, spectrogram_window
from analyzer.sinks.base import SinkContext, clip_folders, make_sinks
from analyzer.sinks.file_sinks import FileSinks
from tidzam.allocator import keep_freed_memory
from tidzam.audio.files import AudioFile, open_audio
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import CsvSinkSettings
from tidzam.config.store import LOCAL_STORE, StoreSettings
from tidzam.protocol.privacy import PrivacyStatus
from tidzam.results import AnalyzedBatch
from tidzam.spectrogram import spectrogram
from tidzam.text import plural, shown

log = logging.getLogger(__name__)

INTERRUPTED: Final = 130
_PIPE_WIDTH: Final = 160
"""Table width when stdout is not a terminal, so that rows do not wrap."""


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Options of the analysis of a file. Without a `channel`, all are analyzed. `node` is the node's name, `home` its
    home, which holds the installed models.

    `show` plays the file in a window while it is analyzed; without a display, after its detections are drawn on the
    terminal. A `picture` of it is a file.
    """

    path: Path
    settings: AnalyzerSettings
    node: str
    channel: int | None = None
    as_json: bool = False
    show: bool = False
    picture: Path | None = None
    location: LocationSettings | None = None
    home: Path | None = None
    store: StoreSettings = LOCAL_STORE


def run_file(options: FileOptions) -> int:
    """Analyze a file, and print its detections. Returns the exit code: 0; 1 if some of it could not be read or
    classified, or a sink failed; 130 after Ctrl-C.

    Raises TidzamError if the file cannot be analyzed, or a sink cannot be opened.
    """
    settings = options.settings
    keep_freed_memory()
    with open_audio(options.path) as audio:
        pipeline = Pipeline.of(settings, options.location, home=options.home)
        gc.freeze()  # what is loaded by now need not be looked at again
        analysis = FileAnalysis(audio, pipeline, settings, channel=options.channel, home=options.home)
        picture = _picture(options, analysis.recording)
        context = SinkContext(
            node=options.node,
            labels=pipeline.labels,
            recording=analysis.recording,
            home=options.home,
            bundles=pipeline.bundle_versions,
            location=options.location,
            cascade=pipeline.identity,
            store=options.store,
            clip_folders=clip_folders(settings.sinks),
        )
        sinks = FileSinks(make_sinks(settings.sinks, context))
        with _window(options, analysis.recording) as window, ctrl_c() as stop:
            with sinks:
                _analyze(audio, pipeline, analysis, sinks, options, picture or window, stop)
            report = analysis.report(sink_errors=sinks.errors, clips=sinks.clip_privacy)
            _print(report, analysis.found, options)
            if picture is not None and options.picture is not None:
                picture.save(options.picture, analysis.found)
            if stop.is_set():
                interrupted = f"analyzer: interrupted after {report.duration_s:.1f} s of audio{_kept(settings)}."
                typer.echo(interrupted, err=True)
                return INTERRUPTED
            if window is not None:
                window.wait(stop)
    if options.show and window is None:
        play(options.path)
    return int(not report.is_complete)


def _analyze(
    audio: AudioFile,
    pipeline: Pipeline,
    analysis: FileAnalysis,
    sinks: FileSinks,
    options: FileOptions,
    picture: DetectionPicture | SpectrogramWindow | None,
    stop: threading.Event,
) -> None:
    """Analyze the file until its end or until `stop`, and pass each batch on."""
    console = Console(stderr=True)
    with (
        progress(console, options.path.name, audio.expected_s) as advance_to,
        closing(analysis.batches(node=options.node, stopped=stop.is_set)) as batches,
    ):
        for analyzed in batches:
            sinks.deliver(analyzed)
            advance_to(analysis.reached_s)
            if picture is not None:
                picture.add(analyzed)
            elif options.show:
                _draw(console, pipeline, analyzed)


def _picture(options: FileOptions, recording: AnalyzedFile) -> DetectionPicture | None:
    """The picture for a file. Raises TidzamError if it cannot be written."""
    if options.picture is None:
        return None
    check_file(options.picture)
    return DetectionPicture(recording)


def _window(options: FileOptions, recording: AnalyzedFile) -> AbstractContextManager[SpectrogramWindow | None]:
    """The window if there is a display; without one, detections are drawn on the terminal."""
    if not options.show or not has_display():
        return nullcontext()
    return spectrogram_window(options.path, recording)


@contextmanager
def ctrl_c() -> Iterator[threading.Event]:
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


def _print(report: FileReport, found: Sequence[FileDetection], options: FileOptions) -> None:
    """Print the result."""
    for name, count in report.sink_errors.items():
        typer.echo(f"analyzer: sink {name} failed {plural(count, 'time')}; its output is incomplete.", err=True)
    if options.as_json:
        typer.echo(json.dumps(report.summary()))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    channels = report.channels
    which = f"channel {channels[0]}" if len(channels) == 1 else f"{len(channels)} channels"
    facts = f"{clock(report.duration_s)}, {which} at {report.rate_hz} Hz, {report.windows} windows"
    console.print(f"{shown(options.path.name)}: {facts}", markup=False)
    console.print(detection_table(found) if found else "No detections.")
    if report.privacy is not None:
        console.print(PrivacyStatus.model_validate(report.privacy).remark, markup=False)
    for name, windows in report.classifier_errors.items():
        typer.echo(f"analyzer: classifier {name} failed on {windows} windows; its results are left out.", err=True)
