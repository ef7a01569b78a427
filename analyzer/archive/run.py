"""The analysis of an archive from the command line: workers, journal, progress, results."""

from __future__ import annotations

import hashlib
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from analyzer.archive.inputs import ArchiveFile, ArchiveInputs, find_inputs
from analyzer.archive.job import FileJob, FileOutcome, clip_sinks
from analyzer.archive.journal import ArchiveJournal, fingerprint
from analyzer.archive.progress import ArchiveDisplay, ArchiveProgress, archive_display
from analyzer.archive.sinks import ArchiveSinks, chosen_sinks
from analyzer.archive.summary import ArchiveSummary, print_json, print_summary
from analyzer.archive.workers import ArchiveWorkers, WorkerProcesses
from analyzer.pipeline import Pipeline
from analyzer.result_formats.base import FileResult, make_format
from analyzer.sinks.base import NamedSink, SinkContext, clip_folders, make_sinks, sink_names
from analyzer.sinks.file_sinks import FileSinks
from tidzam.config.location import LocationSettings
from tidzam.config.result_formats import ResultTarget
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sink_base import SinkSettings
from tidzam.config.store import LOCAL_STORE, StoreSettings
from tidzam.errors import ConfigError
from tidzam.parallel import cores
from tidzam.paths import spool_folder
from tidzam.recording_names import compile_pattern
from tidzam.text import plural, shown

INTERRUPTED: Final = 130


@dataclass(frozen=True, kw_only=True)
class ArchiveOptions:
    """Options of the analysis of an archive: files, folders and globs (`given`).

    `jobs` is the number of processes, by default one per core. `sinks` names those that receive the detections, by
    default the ones that keep them. Without a `journal`, it lies beside the first of `results`, or in the home if there
    are sinks, and is deleted when all is complete; with neither, it is kept in memory. Unless `resume`, an earlier run
    is not continued. With a `scheduler`, the files are analyzed by its workers. `home` is the node's home, which holds
    the installed models.
    """

    given: tuple[str, ...]
    settings: AnalyzerSettings
    node: str
    channel: int | None = None
    jobs: int | None = None
    results: tuple[ResultTarget, ...] = ()
    journal: Path | None = None
    resume: bool = True
    scheduler: str = ""
    location: LocationSettings | None = None
    home: Path | None = None
    as_json: bool = False
    sinks: tuple[str, ...] | None = None
    store: StoreSettings = LOCAL_STORE


def run_archive(options: ArchiveOptions) -> int:
    """Analyze an archive, write its results and print a summary.

    Returns the exit code: 0; 1 if a file failed or could only be analyzed in part; 130 after Ctrl-C or SIGTERM.
    Raises TidzamError if nothing can be analyzed, or the results or the journal cannot be written.
    """
    inputs = _inputs(options)
    _require_novelty(options)
    formats = [make_format(target) for target in options.results]
    for result_format in formats:
        result_format.check()
    sinks = chosen_sinks(options.settings.sinks, options.sinks)
    # What is wrong with the classifiers is wrong for every file.
    pipeline = Pipeline.of(options.settings, options.location, home=options.home)
    with _journal(options, has_sinks=bool(sinks)) as journal, archive_display() as display, stop_signals() as stop:
        for remark in (*inputs.remarks, *_remarks(options, journal, sinks)):
            display.say(remark)
        with _sinks(options, sinks, pipeline, journal, inputs.files) as passed_on:
            ArchiveRun(options, inputs.files, journal, display, passed_on).analyze(stop)
        summary = ArchiveSummary.of(journal.outcome(file) for file in inputs.files)
        for result_format in formats:
            result_format.write(_results(inputs.files, journal))
        if options.as_json:
            print_json((file, journal.outcome(file)) for file in inputs.files)
        else:
            print_summary(summary)
        for line in _ending(summary, journal, passed_on.errors, interrupted=stop.is_set()):
            display.say(line)
        if summary.final == summary.files and options.journal is None and not passed_on.errors:
            journal.delete()
    return INTERRUPTED if stop.is_set() else int(summary.complete < summary.files or bool(passed_on.errors))


def _require_novelty(options: ArchiveOptions) -> None:
    """Raises ConfigError if anomalies are wanted, and nothing finds any."""
    if any(target.format == "predictions" for target in options.results) and not options.settings.novelty:
        raise ConfigError(
            "The results `predictions` need a novelty bundle.",
            hint="Name one with --novelty, or in `analyzer.novelty` of the profile.",
            field="results",
        )


def _inputs(options: ArchiveOptions) -> ArchiveInputs:
    patterns = [compile_pattern(pattern) for pattern in options.settings.files.name_patterns]
    clips = [sink.folder for sink in clip_sinks(options.settings)]
    return find_inputs(options.given, patterns=patterns, leave_out=clips)


@contextmanager
def _sinks(
    options: ArchiveOptions,
    sinks: Mapping[str, SinkSettings],
    pipeline: Pipeline,
    journal: ArchiveJournal,
    files: Sequence[ArchiveFile],
) -> Iterator[ArchiveSinks]:
    """The sinks, open. Raises TidzamError if one cannot be opened."""
    context = SinkContext(
        node=options.node,
        labels=pipeline.labels,
        home=options.home,
        bundles=pipeline.bundle_versions,
        location=options.location,
        cascade=pipeline.identity,
        store=options.store,
        is_archive=True,
        clip_folders=clip_folders(options.settings.sinks),
    )
    named = [
        (NamedSink(name, made.sink), settings)
        for (name, settings), made in zip(sinks.items(), make_sinks(tuple(sinks.values()), context), strict=True)
    ]
    with FileSinks([one for one, _ in named], in_background=True) as opened:
        yield ArchiveSinks(named, opened, journal, files)


def _journal(options: ArchiveOptions, *, has_sinks: bool) -> ArchiveJournal:
    path = options.journal
    if path is None and options.results:
        first = options.results[0].path
        path = first.with_name(f"{first.name}.journal")
    if path is None and has_sinks:
        given = "\n".join(str(Path(text).absolute()) for text in options.given)
        path = spool_folder(options.home) / f"archive-{hashlib.sha256(given.encode()).hexdigest()[:12]}.journal"
        path.parent.mkdir(parents=True, exist_ok=True)
    mark = fingerprint(
        options.settings, options.home, location=options.location, channel=options.channel, node=options.node
    )
    return ArchiveJournal(path, mark, resume=options.resume)


def _remarks(options: ArchiveOptions, journal: ArchiveJournal, sinks: Mapping[str, SinkSettings]) -> Iterator[str]:
    if journal.discarded:
        yield f"{journal.name} was made with other settings or classifiers: all files are analyzed again"
    names = zip(sink_names(options.settings.sinks), options.settings.sinks, strict=True)
    others = [name for name, sink in names if sink.for_archives != "per_file" and name not in sinks]
    if others and options.sinks is None:
        yield f"of the sinks, {', '.join(others)} are not used: choose with --sinks"


def _results(files: Sequence[ArchiveFile], journal: ArchiveJournal) -> Iterator[FileResult]:
    for file in files:
        outcome = journal.outcome(file)
        if outcome is not None and outcome.report is not None:
            yield FileResult(outcome.report, file.below)


def _ending(
    summary: ArchiveSummary, journal: ArchiveJournal, sink_errors: Mapping[str, int], *, interrupted: bool
) -> Iterator[str]:
    for name, count in sink_errors.items():
        yield f"the sink {name} failed {plural(count, 'time')}; the same command continues"
    left, clips = summary.files - summary.analyzed, summary.analyzed - summary.final
    again = f"; {journal.name} holds the others, so that the same command continues" if journal.path else ""
    if interrupted:
        yield f"interrupted: {plural(left, 'file')} of {summary.files:,} not analyzed{again}"
    elif left:
        yield f"{plural(left, 'file')} of {summary.files:,} could not be analyzed{again}"
    elif clips:
        yield f"the clips of {plural(clips, 'file')} are incomplete{again}"


class ArchiveRun:
    """Analyzes the files that the journal does not hold yet, and writes each outcome into it."""

    def __init__(
        self,
        options: ArchiveOptions,
        files: Sequence[ArchiveFile],
        journal: ArchiveJournal,
        display: ArchiveDisplay,
        sinks: ArchiveSinks,
    ) -> None:
        self._options, self._journal, self._display, self._sinks = options, journal, display, sinks
        self._files = files
        self._todo = {number: file for number, file in enumerate(files) if not journal.is_finished(file)}
        self._bytes = max(1, sum(file.size for file in files))
        self._left = sum(file.size for file in self._todo.values())
        self._audio_s = 0.0
        self._said = set[str]()

    def analyze(self, stop: threading.Event) -> None:
        """Analyze until all is done or `stop` is set. Raises TidzamError if the journal cannot be written."""
        known = len(self._files) - len(self._todo)
        if known:
            self._display.say(f"{plural(known, 'file')} of {len(self._files):,} analyzed before ({self._journal.name})")
        self._sinks.advance(self._todo)
        if not self._todo:
            return
        workers, jobs = self._workers()
        with closing(workers.outcomes(jobs)) as outcomes:
            for finished in outcomes:
                if finished is not None:
                    self._note(*finished)
                self._show(workers)
                if stop.is_set():
                    return

    def _workers(self) -> tuple[ArchiveWorkers, Iterator[FileJob]]:
        if self._options.scheduler:
            from analyzer.archive.cluster import ClusterWorkers  # its library takes a second to import

            return ClusterWorkers(self._options.scheduler), (job.everywhere() for job in self._jobs(cores_per_job=1))
        available = cores()
        processes = max(1, min(self._options.jobs or available, len(self._todo)))
        jobs = self._jobs(cores_per_job=max(1, available // processes))
        return WorkerProcesses(processes=processes, files=len(self._files)), jobs

    def _jobs(self, *, cores_per_job: int) -> Iterator[FileJob]:
        """The jobs in the order of the files."""
        options = self._options
        settings = options.settings.model_copy(update={"sinks": clip_sinks(options.settings)})
        for number, file in list(self._todo.items()):
            yield FileJob(
                number=number,
                path=file.path,
                source=file.source,
                settings=settings,
                node=options.node,
                channel=options.channel,
                location=options.location,
                home=options.home,
                cores=cores_per_job,
            )

    def _note(self, job: FileJob, outcome: FileOutcome) -> None:
        file = self._todo.pop(job.number)
        if outcome.report is not None:  # a worker on another machine is given the absolute path
            outcome = replace(outcome, report=replace(outcome.report, file=str(file.path)))
        self._journal.add(file, outcome)
        self._sinks.advance(self._todo)
        self._left -= file.size
        for remark in outcome.remarks:
            if remark not in self._said:  # what is said of all files of a kind is said once
                self._said.add(remark)
                self._display.say(remark)
        if outcome.failure is not None:
            self._display.say(outcome.failure.message)
        if (report := outcome.report) is not None:
            self._audio_s += report.duration_s
            for name, windows in report.classifier_errors.items():
                self._display.say(f"{shown(job.path)}: classifier {name} failed on {plural(windows, 'window')}")
            for name, count in report.sink_errors.items():
                self._display.say(
                    f"{shown(job.path)}: the output {name} failed {plural(count, 'time')} and is incomplete"
                )

    def _show(self, workers: ArchiveWorkers) -> None:
        begun = sum(self._todo[number].size * share for number, share in workers.shares().items())
        share = 1 - (self._left - begun) / self._bytes
        finished = len(self._files) - len(self._todo)
        self._display.show(ArchiveProgress(finished, len(self._files), share, self._audio_s))


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """While open, Ctrl-C and SIGTERM set the event, so that nothing is interrupted halfway."""
    stop = threading.Event()
    before = [(number, signal.signal(number, lambda *_: stop.set())) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)
