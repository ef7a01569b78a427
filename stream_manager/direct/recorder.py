"""Records one source: from the ring of its feed to files, with the parts of the recorder of JACK ports."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from stream_manager.direct.feed import DirectFeed
from stream_manager.direct.inputs import DirectInput
from stream_manager.direct.options import DirectSource
from stream_manager.recorder.encoder import SUFFIXES, Encoder, FileEncoder, encoder_argv
from stream_manager.recorder.events import Lost, Notice, RecorderBeat, RecorderEvent
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.options import FLAC_CHANNELS, RecorderOptions
from stream_manager.recorder.recording import NOT_RECORDED, RecordingInProgress
from stream_manager.recorder.soundfile_encoder import FORMATS, SoundFileEncoder
from stream_manager.recorder.worker import Worker, clear_unfinished_repairs
from tidzam.jack.ring import Ring
from tidzam.recorder_status import RecordedSourceStatus
from tidzam.segments import SegmentIndex

Send = Callable[[str, RecorderEvent], None]
"""Receives the name of a source and an event of its recorder, in any thread."""
GAP_REASON: Final = "input"
KILLED: Final = "killed"
_CLOCK_S: Final = 1.0
_FEED_S: Final = 4.0
_REPAIRS_S: Final = 4.0


class DirectRecorder:
    """Records a source until `close`. One thread calls all methods."""

    def __init__(
        self, source: DirectSource, opener: Callable[[], DirectInput], send: Send, *, complete_in: Path | None = None
    ) -> None:
        """Begin. What an earlier recorder left is repaired first. Raises OSError and TimeoutError."""
        self._source, self._name = source, source.name
        self._send = partial(send, source.name)
        options = source.record
        by_day = options.threshold is not None
        self._folder = RecordingFolder(
            options.folder, source.name, SUFFIXES[options.format], by_day=by_day, complete_in=complete_in
        )
        self._lock = self._folder.lock()
        self._faults: SimpleQueue[str] = SimpleQueue()
        index = SegmentIndex(options.folder) if by_day else None
        self._worker = Worker(self._folder, self._send, self._faults.put, index)
        clear_unfinished_repairs(self._folder)
        self._ended_s = self._folder.ended_s()
        leftovers = self._folder.leftovers()
        self._killed_s = self._ended_s if leftovers else None
        """When an earlier recorder was killed; None if it was not, or what is missing since then is counted."""
        for part in leftovers:
            self._worker.repair(part)
        if index is not None:
            self._worker.complete_index()
        self._ring: Ring | None = None
        self._recording: RecordingInProgress | None = None
        self._before = RecorderBeat("waiting", 0, 0, 0)
        self._keep_setting = "edge.parsed" if complete_in is not None else ""
        self._past_s = self._past_lost_s = 0.0
        self._clock_due_s = 0.0
        self._problem: str | None = None
        self.feed = DirectFeed(source.name, opener, is_permanent=source.is_permanent)
        self.feed.start()

    @property
    def has_ended(self) -> bool:
        """Whether the source has ended for good."""
        return self.feed.state.has_ended

    def step(self) -> None:
        """Record what has arrived since the last step."""
        now_s, ring = time.monotonic(), self.feed.ring
        if ring is not self._ring and ring is not None:
            self._begin(ring)
        recording = self._recording
        if recording is None:
            return
        if now_s >= self._clock_due_s and (pair := self.feed.clock()) is not None:
            recording.note_clock(pair)
            self._clock_due_s = now_s + _CLOCK_S
        for reason in self._new_faults():
            recording.fail(reason, now_s)
        recording.step(connected=self.feed.state.is_delivering, now_s=now_s)
        self._count_missing_since_kill(recording.beat().frames)

    def state(self) -> RecordedSourceStatus:
        """The present state."""
        beat, feed = self._beat(), self.feed.state
        state = "ended" if feed.has_ended else beat.state
        problem = beat.problem.removeprefix(NOT_RECORDED) or self._problem or feed.problem
        if problem and state == "waiting":
            state = "away"
        rate_hz = self._ring.rate_hz if self._ring is not None else 1
        return RecordedSourceStatus(
            self._name,
            state,
            round(self._past_s + beat.frames / rate_hz, 3),
            beat.bytes,
            round(self._past_lost_s + beat.lost_frames / rate_hz, 3),
            feed.outages,
            round(feed.outage_s, 3),
            problem,
            self._worker.publish_fault,
        )

    def close(self) -> None:
        """Record what has arrived, and complete the file in progress. Takes some seconds at most."""
        self.feed.stop(_FEED_S)
        self.step()
        self._end()
        self._worker.close(repairs_s=_REPAIRS_S)
        os.close(self._lock)

    def _begin(self, ring: Ring) -> None:
        """Record `ring` from now on, in other files than what was before."""
        self._end()
        self._ring, self._clock_due_s = ring, 0.0
        options = replace(self._source.record, channels=ring.slots)
        self._problem = unsuitable(options)
        if self._problem is not None:
            self._send(Notice(f"it {NOT_RECORDED}{self._problem}"))
            return
        self._recording = RecordingInProgress(
            options,
            ring,
            self._folder,
            self._worker,
            lambda part: start_encoder(part, ring.rate_hz, options, keep_fd=self._lock),
            self._send,
            ended_s=self._ended_s,
            gap_reason=GAP_REASON,
            keep_setting=self._keep_setting,
        )

    def _count_missing_since_kill(self, frames: int) -> None:
        """Once something is recorded again: what is missing since an earlier recorder was killed."""
        if self._killed_s is None or self._ring is None or not frames:
            return
        missing_s = time.time() - frames / self._ring.rate_hz - self._killed_s
        if missing_s > 0:  # else the clock was set back
            self._past_lost_s += missing_s
            self._send(Lost(self._killed_s, missing_s, KILLED))
        self._killed_s = None

    def _end(self) -> None:
        if self._recording is None or self._ring is None:
            return
        self._recording.close()
        beat, rate_hz = self._recording.beat(), self._ring.rate_hz
        self._past_s += beat.frames / rate_hz
        self._past_lost_s += beat.lost_frames / rate_hz
        self._recording, self._ended_s = None, time.time()

    def _beat(self) -> RecorderBeat:
        if self._recording is None:
            return RecorderBeat("waiting", 0, self._worker.bytes, 0)
        return self._recording.beat()

    def _new_faults(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self._faults.get_nowait())
            except Empty:
                return found


def unsuitable(options: RecorderOptions) -> str | None:
    """Why a source cannot be recorded as its options say, as a sentence; None if it can."""
    if options.format == "flac" and options.channels > FLAC_CHANNELS:
        return (
            f"it has {options.channels} channels, and FLAC holds at most {FLAC_CHANNELS}. "
            "Set `record.format` to opus or wav."
        )
    return None


def start_encoder(part: Path, rate_hz: int, options: RecorderOptions, *, keep_fd: int) -> FileEncoder:
    """What writes `part`: libsndfile in this process, or ffmpeg for a format that it does not write.

    The descriptor `keep_fd` stays open in ffmpeg for as long as it runs. Raises EncoderError.
    """
    if options.format in FORMATS:
        return SoundFileEncoder(part, rate_hz, options)
    argv = encoder_argv(part, rate_hz, options)
    return Encoder(argv, bytes_per_s=4 * options.channels * rate_hz, keep_fds=(keep_fd,))
