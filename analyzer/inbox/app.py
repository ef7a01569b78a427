"""The inference put together: the folder that is watched, the work on its files, the sinks, the status."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from analyzer.archive.job import FileJob, clip_sinks, loaded_pipeline
from analyzer.inbox.folder import WaitingFile, WaitingFiles
from analyzer.inbox.journal import InboxJournal
from analyzer.inbox.outbox import Outbox, sinks_of_files
from analyzer.inbox.work import LATER_AFTER, FinishedFile, InboxWork
from analyzer.live.thread_priority import lower_priority
from analyzer.sinks.base import NamedSink, SinkContext, make_sinks
from tidzam.aio import first_completed, in_background
from tidzam.audio.recording_time import TimeRules
from tidzam.config import Settings
from tidzam.denormals import flush_denormals
from tidzam.errors import TidzamError
from tidzam.folder_changes import watched
from tidzam.hangup import on_hangup
from tidzam.heartbeats import WorkProgress, heartbeat, heartbeat_file
from tidzam.inbox_status import InboxState, InboxStatus
from tidzam.paths import home_folder
from tidzam.process import RestartPolicy

log = logging.getLogger(__name__)

Result = TypeVar("Result")

PROGRAM: Final = "inference"
"""The name of the program, of its heartbeat and of its journal."""
JOURNAL_FILE: Final = f"{PROGRAM}.journal"
STALLED_S: Final = 60.0
"""Analysis that does not advance for so long hangs: it advances by some seconds of audio at a time."""
_POLICY: Final = RestartPolicy(first_delay_s=1.0, max_delay_s=60.0)


@dataclass(frozen=True, kw_only=True)
class InboxOptions:
    """Options of the inference: the settings of the node, and whether it ends when all files are analyzed."""

    settings: Settings
    once: bool = False

    @property
    def home(self) -> Path:
        return home_folder(self.settings.home)


def run_inbox(options: InboxOptions) -> int:
    """Analyze the files of the folder as they arrive, until TERM or INT. Returns the exit code.

    That is 0, or with `once` 1 if a file was rejected. Raises TidzamError if nothing can be analyzed.
    """
    progress = WorkProgress(stalled_s=STALLED_S)
    options.home.mkdir(parents=True, exist_ok=True)
    with (
        heartbeat(heartbeat_file(options.home, PROGRAM), progress),
        InboxJournal(options.home / JOURNAL_FILE) as journal,
    ):
        progress.advance()
        return asyncio.run(_Inbox(options, journal, progress).run())


class _Inbox:
    def __init__(self, options: InboxOptions, journal: InboxJournal, progress: WorkProgress) -> None:
        settings = options.settings
        self._options, self._journal, self._progress = options, journal, progress
        self._settings, self._edge = settings, settings.edge
        self._sinks = sinks_of_files(settings.analyzer.sinks)
        self._analyzer = settings.analyzer.model_copy(update={"sinks": clip_sinks(settings.analyzer)})
        self._work = InboxWork(self._edge, journal, self._job, sinks=tuple(self._sinks))
        files = settings.analyzer.files
        self._waiting = WaitingFiles(self._work.folders.to_parse, TimeRules.of(files.time_zone, files.name_patterns))
        self._thread = ThreadPoolExecutor(1, "analysis", initializer=_begin_thread)
        self._stop, self._arrived = asyncio.Event(), asyncio.Event()
        self._queue: list[WaitingFile] = []
        self._current: WaitingFile | None = None
        self._last: tuple[FinishedFile, float] | None = None
        self._fault: str | None = None
        self._rejected = 0

    async def run(self) -> int:
        """Until it is stopped. Returns the exit code."""
        self._handle_signals()
        self._make_folders()
        with self._thread:
            await self._status("loading")
            outbox = Outbox(await self._in_thread(self._load), self._journal)
            self._outbox = outbox
            async with in_background(outbox.run(), name="sinks"), in_background(self._watch(), name="watching"):
                await self._serve()
            await self._status("stopped")
        return int(self._options.once and self._rejected > 0)

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        on_hangup(reload=lambda: None, end=self._stop.set)

    def _make_folders(self) -> None:
        folders = self._work.folders
        for folder in (folders.to_parse, folders.parsed, folders.rejected):
            folder.mkdir(parents=True, exist_ok=True)

    def _load(self) -> list[NamedSink]:
        """Load the networks, and make the sinks. Raises TidzamError."""
        settings = self._settings
        pipeline = loaded_pipeline(self._job(None))
        log.info("classifiers %s on %s", ", ".join(pipeline.classifiers), pipeline.engine)
        context = SinkContext(
            node=settings.node.known_as,
            labels=pipeline.labels,
            home=settings.home,
            bundles=pipeline.bundle_versions,
            location=settings.location,
            cascade=pipeline.identity,
            store=settings.store,
            is_archive=True,
        )
        made = make_sinks(tuple(self._sinks.values()), context)
        return [NamedSink(name, one.sink) for name, one in zip(self._sinks, made, strict=True)]

    def _job(self, file: WaitingFile | None) -> FileJob:
        return FileJob(
            number=0,
            path=Path() if file is None else file.path,
            source="" if file is None else file.source,
            settings=self._analyzer,
            node=self._settings.node.known_as,
            location=self._settings.location,
            home=self._settings.home,
        )

    async def _watch(self) -> None:
        """Note what arrives in the folder. If it cannot be watched, it is looked at every `check_every_s`."""
        while True:
            with suppress(OSError), watched(self._work.folders.to_parse) as changes:
                self._arrived.set()
                async for change in changes:
                    if change.is_added:
                        self._arrived.set()
            await asyncio.sleep(self._edge.check_every_s)

    async def _serve(self) -> None:
        """Work off the files, oldest first, and wait for more, until stopped."""
        failures = 0
        while not self._stop.is_set():
            try:
                await self._in_thread(self._work.recover)
                is_done = await self._work_off()
            except (TidzamError, OSError) as error:
                failures += 1
                await self._failed(str(error), _POLICY.delay_s(failures))
                continue
            failures = 0
            if is_done:
                if self._options.once:
                    return
                await self._wait(self._edge.check_every_s)

    async def _failed(self, reason: str, delay_s: float) -> None:
        if self._fault != reason:
            log.error("%s The analysis is tried again until it works.", reason)
        self._fault = reason
        await self._wait(delay_s)

    async def _work_off(self) -> bool:
        """Analyze all files that can be. Returns False if it was stopped. Raises TidzamError and OSError."""
        unfinished = set[WaitingFile]()
        self._arrived.set()
        while not self._stop.is_set():
            if self._arrived.is_set():
                self._arrived.clear()
                self._queue = list(await self._in_thread(self._scan))
            file = next((one for one in self._queue if one not in unfinished), None)
            if file is None:
                return True
            if await self._analyze(file):
                self._queue.remove(file)
            else:
                unfinished.add(file)
        return False

    def _scan(self) -> list[WaitingFile]:
        suspects = self._journal.begun_often(LATER_AFTER)
        return sorted(self._waiting.scan(), key=lambda file: (file.name, file.stamp) in suspects)

    async def _analyze(self, file: WaitingFile) -> bool:
        """Whether the file is finished. Raises TidzamError."""
        self._current, began_s = file, time.monotonic()
        await self._status("analyzing")
        self._progress.advance()
        try:
            finished = await self._in_thread(
                lambda: self._work.process(file, advance=self._progress.advance, stopped=self._stop.is_set)
            )
        finally:
            self._current = None
            self._progress.wait()
        if finished is not None:
            self._last, self._fault = (finished, time.monotonic() - began_s), None
            self._rejected += finished.outcome.report is None
            await self._outbox.more()
        return finished is not None

    async def _wait(self, seconds: float) -> None:
        """Until a file arrives, or the inference is stopped, for `seconds` at most."""
        self._progress.wait()
        await self._status("waiting")
        await first_completed(self._stop.wait(), self._arrived.wait(), asyncio.sleep(seconds))

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _status(self, state: InboxState) -> None:
        """Write the state for `tidzam status`."""
        status = self._state(state)
        with suppress(OSError):  # a full disk: the analysis goes on
            await asyncio.to_thread(status.write, self._options.home)

    def _state(self, state: InboxState) -> InboxStatus:
        counts, oldest = self._journal.counts(), next(iter(self._queue), None)
        has_sinks = hasattr(self, "_outbox")
        last = self._last
        return InboxStatus(
            updated=datetime.now(UTC).isoformat(timespec="seconds"),
            pid=os.getpid(),
            state=state,
            waiting=len(self._queue),
            oldest=None if oldest is None else oldest.name,
            oldest_start=None if oldest is None or oldest.start is None else oldest.start.isoformat(),
            current=None if self._current is None else self._current.name,
            analyzed=counts.analyzed,
            with_detections=counts.with_detections,
            detections=counts.detections,
            rejected=counts.rejected,
            audio_s=round(counts.audio_s, 3),
            last=None if last is None else last[0].file.name,
            last_s=0.0 if last is None else round(last[1], 3),
            last_audio_s=_audio_s(last[0]) if last is not None else 0.0,
            fault=self._fault,
            sinks=self._outbox.status() if has_sinks else {},
        )


def _audio_s(finished: FinishedFile) -> float:
    report = finished.outcome.report
    return 0.0 if report is None else report.duration_s


def _begin_thread() -> None:
    """The analysis has a priority below that of the recorder."""
    lower_priority()
    flush_denormals()
