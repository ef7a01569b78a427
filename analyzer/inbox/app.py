"""The inference put together: the folder that is watched, the work on its files, the sinks, the status."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from analyzer.archive.job import FileJob, clip_sinks, loaded_pipeline
from analyzer.inbox.folder import WaitingFile, WaitingFiles
from analyzer.inbox.journal import InboxJournal
from analyzer.inbox.outbox import Outbox, sinks_of_files
from analyzer.inbox.retention import ParsedRetention
from analyzer.inbox.sole_use import sole_use
from analyzer.inbox.status import StatusWriter
from analyzer.inbox.work import LATER_AFTER, InboxWork
from analyzer.live.thread_priority import lower_priority
from analyzer.sinks.base import NamedSink, SinkContext, clip_folders, make_sinks
from tidzam.aio import first_completed, in_background
from tidzam.audio.recording_time import TimeRules
from tidzam.config import Settings
from tidzam.denormals import flush_denormals
from tidzam.errors import TidzamError
from tidzam.folder_changes import watched
from tidzam.hangup import on_hangup
from tidzam.heartbeats import WorkProgress, heartbeat, heartbeat_file
from tidzam.paths import home_folder
from tidzam.process import RestartPolicy
from tidzam.text import shown

log = logging.getLogger(__name__)

Result = TypeVar("Result")

PROGRAM: Final = "inference"
"""The name of the program, of its heartbeat and of its journal."""
JOURNAL_FILE: Final = f"{PROGRAM}.journal"
_STALLED_S: Final = 60.0
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

    @property
    def rules(self) -> TimeRules:
        """How the times in the names of files are read."""
        files = self.settings.analyzer.files
        return TimeRules.of(files.time_zone, files.name_patterns)


def run_inbox(options: InboxOptions) -> int:
    """Analyze the files of the folder as they arrive, until TERM or INT. Returns the exit code.

    That is 0, or with `once` 1 if a file was rejected, or left as it is still being written. Raises TidzamError if
    nothing can be analyzed.
    """
    progress = WorkProgress(stalled_s=max(_STALLED_S, options.settings.check.start_timeout_s))
    progress.advance()
    options.home.mkdir(parents=True, exist_ok=True)
    edge = options.settings.edge
    with sole_use(edge.folder), heartbeat(heartbeat_file(options.home, PROGRAM), progress):
        with suppress(OSError):  # the disk may be full: without room, there is no journal
            ParsedRetention(edge, options.rules).apply(now=True)
        with (
            InboxJournal(options.home / JOURNAL_FILE) as journal,
            ThreadPoolExecutor(1, "analysis", initializer=_begin_thread) as thread,
        ):
            return asyncio.run(Inbox(options, journal, progress, thread).run())


class Inbox:
    """The composition root of the inference. All analysis runs in `thread`."""

    def __init__(
        self, options: InboxOptions, journal: InboxJournal, progress: WorkProgress, thread: ThreadPoolExecutor
    ) -> None:
        settings = options.settings
        self._options, self._journal, self._progress, self._thread = options, journal, progress, thread
        self._settings, self._edge = settings, settings.edge
        self._sinks = sinks_of_files(settings.analyzer.sinks)
        self._analyzer = settings.analyzer.model_copy(update={"sinks": clip_sinks(settings.analyzer)})
        self._work = InboxWork(self._edge, journal, self._job, sinks=tuple(self._sinks))
        self._waiting = WaitingFiles(self._work.folders.to_parse, options.rules)
        self._retention = ParsedRetention(self._edge, options.rules)
        self._status = StatusWriter(options.home, journal.counts)
        self._stop, self._arrived = asyncio.Event(), asyncio.Event()
        self._reload = False
        self._queue: list[WaitingFile] = []
        self._rejected = self._left = 0

    async def run(self) -> int:
        """Until it is stopped. Returns the exit code. Raises TidzamError if it cannot begin."""
        self._handle_signals()
        self._make_folders()
        await self._status.write("loading")
        self._outbox = Outbox(await self._in_thread(self._load), self._journal)
        self._status.sinks = self._outbox.status
        async with in_background(self._outbox.run(), name="sinks"), in_background(self._watch(), name="watching"):
            await self._serve()
            await self._outbox.drain()
        await self._status.write("stopped", self._queue)
        return int(self._options.once and self._rejected + self._left > 0)

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        on_hangup(reload=self._want_reload, end=self._stop.set)

    def _want_reload(self) -> None:
        self._reload = True
        self._arrived.set()

    def _make_folders(self) -> None:
        """Raises TidzamError (`output`)."""
        folders = self._work.folders
        for folder in (folders.to_parse, folders.parsed, folders.rejected):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise TidzamError(
                    f"The folder {folder} cannot be made: {error.strerror}.", hint="Set edge.folder.", code="output"
                ) from None

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
            clip_folders=clip_folders(settings.analyzer.sinks),
        )
        made = make_sinks(tuple(self._sinks.values()), context)
        return [NamedSink(name, one.sink) for name, one in zip(self._sinks, made, strict=True)]

    def _load_again(self) -> None:
        """After SIGHUP: use the bundles that are installed now, if they can be."""
        try:
            pipeline = loaded_pipeline(self._job(None), again=True)
        except TidzamError as error:
            log.error("%s The former classifiers go on.", error)
        else:
            log.info("loaded again: classifiers %s", ", ".join(pipeline.classifiers))

    def _job(self, file: WaitingFile | None) -> FileJob:
        return FileJob(
            number=0,
            path=Path() if file is None else file.path,
            source="" if file is None else file.source,
            settings=self._analyzer,
            node=self._settings.node.known_as,
            location=self._settings.location,
            home=self._settings.home,
            is_sparing=True,
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
        """Work off the files, oldest first, and wait for more, until stopped. Faults are tried again, with back-off."""
        failures = 0
        while not self._stop.is_set():
            try:
                self._make_folders()
                await self._in_thread(self._work.recover)
                is_done = await self._work_off()
            except (TidzamError, OSError) as error:
                failures += 1
                await self._failed(str(error))
                await self._wait(_POLICY.delay_s(failures))
                continue
            failures = 0
            if is_done:
                if self._options.once:
                    self._tell_what_is_left()
                    return
                await self._wait(self._edge.check_every_s)

    def _tell_what_is_left(self) -> None:
        left = [file for file in self._queue if file.path.exists()]
        self._left = len(left)
        for file in left:
            log.warning("%s is left: it is still being written, or was changed meanwhile", shown(file.name))

    async def _failed(self, reason: str) -> None:
        if self._status.fault != reason:
            log.error("%s It is tried again until it works.", reason)
        self._status.failed(reason)
        with suppress(OSError):  # the disk may be full
            await self._in_thread(lambda: self._retention.apply(now=True))

    async def _work_off(self) -> bool:
        """Analyze all files that can be. Returns False if it was stopped. Raises TidzamError and OSError."""
        unfinished = set[WaitingFile]()
        self._arrived.set()
        while not self._stop.is_set():
            if self._reload:
                self._reload = False
                await self._in_thread(self._load_again)
            if self._arrived.is_set():
                self._arrived.clear()
                self._queue = await self._in_thread(self._scan)
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
        began_s = time.monotonic()
        await self._status.write("analyzing", self._queue, file)
        self._progress.advance()
        try:
            finished = await self._in_thread(
                lambda: self._work.process(file, advance=self._progress.advance, stopped=self._stop.is_set)
            )
        finally:
            self._progress.wait()
        if finished is None:
            return False
        self._status.finished(finished, time.monotonic() - began_s)
        self._rejected += finished.outcome.report is None
        await self._outbox.more()
        await self._in_thread(self._retention.apply)
        return True

    async def _wait(self, seconds: float) -> None:
        """Until a file arrives, or the inference is stopped, for `seconds` at most."""
        self._progress.wait()
        await self._status.write("waiting", self._queue)
        await first_completed(self._stop.wait(), self._arrived.wait(), asyncio.sleep(seconds))

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _begin_thread() -> None:
    """The analysis has a priority below that of the recorder."""
    lower_priority()
    flush_denormals()
