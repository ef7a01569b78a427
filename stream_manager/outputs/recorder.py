"""The output that records a source to files, by a recorder process."""

from __future__ import annotations

import asyncio
import logging
import math
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, Never

from stream_manager.outputs.base import OutputFault
from stream_manager.privacy.job import HeldRecording
from stream_manager.recorder.events import (
    MESSAGES,
    FileFinished,
    KeptAside,
    Lost,
    Notice,
    RecorderBeat,
    RecorderEvent,
    RecorderFailed,
    Repaired,
)
from stream_manager.recorder.loudness import Loudness
from stream_manager.recorder.options import FLAC_CHANNELS, RecorderOptions, recorder_argv
from stream_manager.recorder.retention_run import Retention, RetentionResult, retention_pause_s
from stream_manager.services import Services
from tidzam.aio import first_completed
from tidzam.config import SourceSettings
from tidzam.config.recording import DefaultRecordSettings
from tidzam.errors import ConfigError, TidzamError
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.naming import RECORDER_SUFFIX, output_client
from tidzam.process import Child, RestartPolicy, child_process
from tidzam.protocol.recordings import RecordingState

log = logging.getLogger(__name__)

IDLE: Final = RecorderBeat("waiting", 0, 0, 0)
POLICY: Final = RestartPolicy(first_delay_s=0.3, max_delay_s=10.0, stable_after_s=20.0)
START_TIMEOUT_S: Final = 30.0
"""How long a recorder may take until its first beat: the encoders of a killed one complete their files first."""
BEAT_TIMEOUT_S: Final = 10.0
GRACE_S: Final = CLIENT_GRACE_S + 3.0
"""How long a recorder may take to complete the file in progress and to close its JACK client."""
DRAIN_S: Final = 1.0
LOSS_LOG_S: Final = 30.0
"""An overloaded machine loses audio many times per second."""


class RecorderOutput:
    """The output `recorder`, see `Output`: all channels in one file, as the source's `record` settings say.

    It is active for sources with such settings. The process is restarted whenever it ends, hangs or loses JACK.
    """

    jack_suffix: ClassVar[str] = RECORDER_SUFFIX
    addresses: tuple[str, ...] = ()

    def __init__(self, source: SourceSettings, channels: int, services: Services) -> None:
        if source.record is None:
            message = f"The source {source.name} has no settings `record`, which the output recorder needs."
            raise ConfigError(message, hint="Add them, or remove the output.")
        self._source, self._settings, self._services = source, source.record, services
        is_held = services.privacy is not None
        self._options = RecorderOptions.of(source.name, channels, source.record, is_held=is_held)
        self._control, self._counters = services.recordings, services.recordings.counters(source.name)
        self._before = IDLE
        self._fault: OutputFault | None = None
        self._sent_bytes = 0
        self._failure = ""
        self._segments_in = None if self._options.threshold is None else self._options.folder
        self._room_is_short = asyncio.Event()
        self._unlogged_s, self._loss_logged_s = 0.0, -math.inf

    async def run(self) -> Never:
        try:
            with self._control.retaining(self._source.name):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._keep_deleting(), name=f"{self._source.name} retention")
                    await self._keep_recording()
        finally:
            self._set_state(RecordingState.OFF, None)

    @property
    def sent_bytes(self) -> int:
        return self._sent_bytes

    def faults(self) -> tuple[OutputFault, ...]:
        problem = self._counters.privacy_problem
        held = () if problem is None else (OutputFault("recording_held", f"is not recorded completely: {problem}"),)
        if self._fault is None or not self._control.is_on(self._source):
            return held
        return (self._fault, *held)

    async def _keep_recording(self) -> Never:
        failures = 0
        while True:
            if not self._control.is_on(self._source):
                self._set_state(RecordingState.OFF, None)
                await self._control.until(self._source, on=True)
            self._set_state(RecordingState.STARTING, OutputFault("recording_starting", "is not recorded yet."))
            if self._options.format == "flac" and self._options.channels > FLAC_CHANNELS:
                self._refuse_flac()
                await self._control.until(self._source, on=False)
                continue
            await self._services.graph.until(lambda graph: graph.running)
            began_s = time.monotonic()
            try:
                reason = await self._record_once()
            except (OSError, TidzamError) as error:  # the recorder could not be started
                reason = str(error)
            if not self._control.is_on(self._source):
                failures = 0
                continue
            failures = POLICY.failures_after(failures, time.monotonic() - began_s)
            await self._report_end(reason, POLICY.delay_s(failures))

    def _refuse_flac(self) -> None:
        channels = self._options.channels
        message = f"is not recorded: it has {channels} channels, and FLAC holds at most {FLAC_CHANNELS}."
        section = "stream_manager.record" if isinstance(self._settings, DefaultRecordSettings) else "record"
        hint = f"Set `{section}.format` to opus or wav."
        log.error("%s %s %s", self._source.name, message, hint)
        self._set_state(RecordingState.PAUSED, OutputFault("recording_channels", f"{message} {hint}"))

    async def _record_once(self) -> str:
        """Run one recorder until it is switched off, ends, hangs or loses JACK; returns the reason."""
        argv, pipe = recorder_argv(self._options), asyncio.subprocess.PIPE
        self._before, self._failure = IDLE, ""
        reading: asyncio.Task[bool] | None = None
        try:
            async with (
                self._services.openings.turn(output_client(self._source.name, RECORDER_SUFFIX)),
                child_process(
                    argv, name=f"{self._source.name} recorder", env=self._services.env, stdout=pipe, grace_s=GRACE_S
                ) as recorder,  # on leaving, it completes its file
            ):
                assert recorder.process.stdout is not None
                reading = asyncio.create_task(self._read(recorder.process.stdout))
                ended = await first_completed(
                    asyncio.shield(reading),
                    self._control.until(self._source, on=False),
                    self._services.graph.until(lambda graph: not graph.up),
                )
                if ended == 0:
                    return self._reason(recorder, hung=reading.result())
        finally:
            if reading is not None:
                await _end(reading)
        return "the JACK server is gone"

    def _reason(self, recorder: Child, *, hung: bool) -> str:
        if hung:
            recorder.kill()
            return "the recorder hung"
        last_line = f": {recorder.tail[-1]}" if recorder.tail else ""
        return self._failure or f"the recorder ended{last_line}"

    async def _read(self, lines: asyncio.StreamReader) -> bool:
        """Follow the events of a recorder until it ends. Returns whether it hung."""
        timeout_s = START_TIMEOUT_S
        while True:
            try:
                async with asyncio.timeout(timeout_s):
                    line = await lines.readline()
            except TimeoutError:
                return True
            if not line.endswith(b"\n"):
                return False
            timeout_s = BEAT_TIMEOUT_S
            self._take(MESSAGES.decode(line))

    def _take(self, event: RecorderEvent) -> None:
        name, counters = self._source.name, self._counters
        match event:
            case RecorderBeat():
                self._take_beat(event)
            case FileFinished(file, _, max_amp, sections):
                self._take_file(Path(file), Loudness.parse(max_amp, sections))
                log.debug("%s: recorded %s", name, file)
            case Lost():
                self._log_loss(event)
            case Repaired(file, _, seconds, max_amp, sections):
                self._take_file(Path(file), Loudness.parse(max_amp, sections))
                log.warning("%s: repaired %s, which a crash had cut off after %.3f s", name, file, seconds)
            case KeptAside(file, reason):
                counters.failures += 1
                log.error("%s: a recording that a crash had cut off is unusable (%s); it is now %s", name, reason, file)
            case Notice(text, is_failure):
                counters.failures += is_failure
                log.warning("%s: %s", name, text)
            case RecorderFailed(message):
                self._failure = message

    def _take_file(self, path: Path, loudness: Loudness) -> None:
        """A file is complete, or held back."""
        if self._services.privacy is None:
            self._counters.files += 1
            self._counters.last_file = str(path)
            if self._services.reports is not None:
                self._services.reports.complete(path, loudness=loudness, segments_in=self._segments_in)
        else:
            options = self._options
            self._services.privacy.add(HeldRecording(path=path, root=options.folder, threshold=options.threshold))

    def _log_loss(self, lost: Lost) -> None:
        """Log what is missing in a recording, together with what was not logged since the last time."""
        self._unlogged_s += lost.seconds
        if (now_s := time.monotonic()) - self._loss_logged_s < LOSS_LOG_S:
            return
        at = time.strftime("%H:%M:%S", time.gmtime(lost.start_s))
        message = "%s: %.3f s are missing in the recording, the last of them from %s UTC on (%s)"
        log.warning(message, self._source.name, self._unlogged_s, at, lost.reason)
        self._unlogged_s, self._loss_logged_s = 0.0, now_s

    def _take_beat(self, beat: RecorderBeat) -> None:
        before, self._before = self._before, beat
        rate_hz = self._services.graph.rate_hz
        new_bytes = max(0, beat.bytes - before.bytes)
        self._sent_bytes += new_bytes
        self._counters.bytes += new_bytes
        if rate_hz:
            self._counters.seconds += (beat.frames - before.frames) / rate_hz
            self._counters.lost_seconds += (beat.lost_frames - before.lost_frames) / rate_hz
        fault = OutputFault(beat.code, beat.problem) if beat.code else None
        if fault is not None and fault != self._fault:
            log.error("%s %s", self._source.name, fault.message)
            if fault.code == "recording_disk_full":
                self._room_is_short.set()
        self._set_state(RecordingState(beat.state), fault)

    def _set_state(self, state: RecordingState, fault: OutputFault | None) -> None:
        self._fault, self._counters.state = fault, state
        self._counters.problem = f"{self._source.name} {fault.message}" if fault else None

    async def _report_end(self, reason: str, delay_s: float) -> None:
        self._counters.failures += 1
        fault = OutputFault("recording_failed", f"is not recorded: {reason}")
        level = logging.DEBUG if fault == self._fault else logging.WARNING
        log.log(level, "%s: recording failed: %s; starting again in %.1f s", self._source.name, reason, delay_s)
        self._set_state(RecordingState.PAUSED, fault)
        await asyncio.sleep(delay_s)

    async def _keep_deleting(self) -> Never:
        """Apply the retention settings regularly, and when the disk is full, whether or not recording is on."""
        name, logged = self._source.name, ""
        retention, reports = Retention(name, self._settings), self._services.reports
        if reports is not None:
            is_segments = self._segments_in is not None
            await asyncio.to_thread(reports.newest, name, self._options.folder, are_segments=is_segments)
        while True:
            began_s = time.monotonic()
            self._room_is_short.clear()
            try:
                result = await asyncio.to_thread(retention.apply)
                await self._report_retention(result)
                failure = result.failure
            except (OSError, sqlite3.Error) as error:
                failure = str(error)
            if failure is not None and failure != logged:
                log.error("%s: recordings cannot be deleted: %s", name, failure)
                logged = failure
            with suppress(TimeoutError):
                async with asyncio.timeout(retention_pause_s(time.monotonic() - began_s)):
                    await self._room_is_short.wait()

    async def _report_retention(self, result: RetentionResult) -> None:
        if self._services.reports is not None and result.deletions:
            gone = [one.file.path for one in result.deletions]
            await asyncio.to_thread(self._services.reports.deleted, self._source.name, gone)
        for deletion in result.deletions:
            log.info("%s: deleted %s: %s", self._source.name, deletion.file.path, deletion.reason)
        if result.doubts is not None and self._counters.retention is None:
            log.warning("%s: %s", self._source.name, result.doubts)
        self._counters.retention = result.doubts


async def _end(reading: asyncio.Task[bool]) -> None:
    """Let a task read what its recorder has written before it ended."""
    await asyncio.wait([reading], timeout=DRAIN_S)
    reading.cancel()
    await asyncio.wait([reading])
