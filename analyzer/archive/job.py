"""The analysis of one file of an archive, in whatever process or machine, and its outcome as a value."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from analyzer.batching import STEP_WINDOWS
from analyzer.files.analysis import FileAnalysis, FileReport
from analyzer.pipeline import Pipeline
from analyzer.sinks.base import SinkContext, make_sinks
from analyzer.sinks.file_sinks import FileSinks
from tidzam.allocator import keep_freed_memory
from tidzam.audio.files import open_audio
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import TidzamError
from tidzam.paths import models_folder
from tidzam.results import DetectedChannel, Detection

_FEW_WINDOWS: Final = 8
"""Windows that a sparing job analyzes at once: the demo cascade then takes 20 MB for them instead of 100."""


@dataclass(frozen=True, kw_only=True)
class FileJob:
    """What is needed to analyze a file: `number` counts the files of an archive from 0.

    `source` is the name of the recording, `cores` the number of threads on which windows are analyzed. A job that
    `is_sparing` takes little memory, and a little more time.
    """

    number: int
    path: Path
    source: str
    settings: AnalyzerSettings
    node: str
    channel: int | None = None
    location: LocationSettings | None = None
    home: Path | None = None
    cores: int = 1
    is_sparing: bool = False

    def everywhere(self) -> Self:
        """The same with absolute paths, for a process with another working directory."""
        settings = self.settings
        sinks = [
            sink.model_copy(update={"folder": sink.folder.absolute()}) if isinstance(sink, ClipSinkSettings) else sink
            for sink in settings.sinks
        ]
        nn = None if settings.nn is None else settings.nn.absolute()
        novelty = tuple(str(Path(name).absolute()) if "/" in name else name for name in settings.novelty)
        settings = settings.model_copy(update={"nn": nn, "novelty": novelty, "sinks": tuple(sinks)})
        home = (
            models_folder(self.home).parent
            if settings.models or settings.novelty or settings.privacy.is_active
            else self.home
        )
        return replace(self, path=self.path.absolute(), settings=settings, home=home)


@dataclass(frozen=True)
class FileFailure:
    """Why a file could not be analyzed: the code of the error, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class FileOutcome:
    """The report of a file, or its failure; `remarks` are the warnings about it, `found` its detections."""

    report: FileReport | None
    failure: FileFailure | None = None
    remarks: tuple[str, ...] = ()
    found: tuple[Detection, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all of the file was analyzed, without any failure."""
        return self.report is not None and self.report.is_complete

    @property
    def is_final(self) -> bool:
        """Whether analyzing the file again would add nothing: it was analyzed, and every clip was written."""
        return self.report is not None and not self.report.sink_errors

    @classmethod
    def failed(cls, code: str, message: str, remarks: tuple[str, ...] = ()) -> Self:
        return cls(None, FileFailure(code, message), remarks)

    def as_json(self) -> str:
        """The outcome as one line, which `from_json` reads."""
        return json.dumps(asdict(self), default=datetime.isoformat)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ValueError if it is not an outcome."""
        try:
            values: dict[str, Any] = json.loads(text)
            report, failure = values["report"], values["failure"]
            if report is not None:
                report["channels"], report["detections"] = tuple(report["channels"]), tuple(report["detections"])
            return cls(
                FileReport(**report) if report is not None else None,
                FileFailure(**failure) if failure is not None else None,
                tuple(values["remarks"]),
                tuple(map(_detection, values["found"])),
            )
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"not the outcome of a file: {error}") from None


def clip_sinks(settings: AnalyzerSettings) -> tuple[ClipSinkSettings, ...]:
    """The sinks that run for each file of an archive: of all, only those of clips."""
    return tuple(sink for sink in settings.sinks if isinstance(sink, ClipSinkSettings))


def _detection(values: dict[str, Any]) -> Detection:
    start, end = (datetime.fromisoformat(values[name]) for name in ("start", "end"))
    channels = tuple(DetectedChannel(**one) for one in values["channels"])
    return Detection(**{**values, "path": tuple(values["path"]), "start": start, "end": end, "channels": channels})


class JobStoppedError(Exception):
    """The analysis of a file was given up: there is no outcome."""


def run_job(
    job: FileJob,
    *,
    advance: Callable[[float], None] = lambda share: None,
    stopped: Callable[[], bool] = lambda: False,
) -> FileOutcome:
    """Analyze a file. What is wrong with it becomes the outcome: no exception leaves this function but JobStoppedError.

    `advance` is called with the share that is done, 0 to 1.
    """
    with _warnings() as remarks:
        try:
            report, found = _analyze(job, advance, stopped)
        except JobStoppedError:
            raise
        except TidzamError as error:
            return FileOutcome.failed(error.code, str(error), tuple(remarks))
        except MemoryError:
            return FileOutcome.failed("audio_large", f"{job.path}: memory ran out.", tuple(remarks))
        except Exception as error:  # noqa: BLE001  contained: the other files go on
            return FileOutcome.failed("internal", f"{job.path}: {type(error).__name__}: {error}", tuple(remarks))
    return FileOutcome(report, None, tuple(remarks), found)


def _analyze(
    job: FileJob, advance: Callable[[float], None], stopped: Callable[[], bool]
) -> tuple[FileReport, tuple[Detection, ...]]:
    settings, found = job.settings, list[Detection]()
    with open_audio(job.path) as audio:
        pipeline = loaded_pipeline(job)
        analysis = FileAnalysis(audio, pipeline, settings, channel=job.channel, source=job.source, home=job.home)
        context = SinkContext(
            node=job.node,
            labels=pipeline.labels,
            recording=analysis.recording,
            bundles=pipeline.bundle_versions,
        )
        with FileSinks(make_sinks(settings.sinks, context)) as sinks:
            at_once = _FEW_WINDOWS if job.is_sparing else STEP_WINDOWS
            batches = analysis.batches(node=job.node, stopped=stopped, cores=job.cores, at_once=at_once)
            with closing(batches):
                for analyzed in batches:
                    if stopped():
                        raise JobStoppedError
                    changes = sinks.deliver(analyzed).detections
                    found += (change.detection for change in changes if change.kind == "end")
                    if audio.expected_s:
                        advance(min(1.0, analysis.reached_s / audio.expected_s))
        return analysis.report(sink_errors=sinks.errors, clips=sinks.clip_privacy), tuple(found)


_loaded: list[tuple[object, Pipeline]] = []
_loading = threading.Lock()


def loaded_pipeline(job: FileJob, *, again: bool = False) -> Pipeline:
    """The pipeline of this process: loading networks takes longer than analyzing a short file.

    It is loaded once, and if `again` is set. Raises the errors of `Pipeline.of`; then the former one remains.
    """
    wanted = job.settings, job.location, job.home
    with _loading:
        if again or not _loaded or _loaded[0][0] != wanted:
            if not job.is_sparing:
                keep_freed_memory()
            _loaded[:] = [(wanted, Pipeline.of(job.settings, job.location, home=job.home))]
        return _loaded[0][1]


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect the warnings that are logged meanwhile in this context, which its decoding thread shares."""
    handler = _Collector()
    root = logging.getLogger()
    root.addHandler(handler)
    token = _collecting.set(handler)
    try:
        yield handler.messages
    finally:
        _collecting.reset(token)
        root.removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if _collecting.get() is self and record.name.startswith(("tidzam.", "analyzer.")):
            self.messages.append(record.getMessage())


_collecting: ContextVar[_Collector | None] = ContextVar("_collecting", default=None)
