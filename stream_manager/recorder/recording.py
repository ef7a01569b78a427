"""Moves the audio of a source from the ring to files that are cut on the clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from stream_manager.recorder.encoder import EncoderError, is_out_of_room
from stream_manager.recorder.events import Lost, Notice, RecorderBeat, RecorderEvent
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.open_file import ContinuousFile, OpenFile, SegmentFile, StartEncoder
from stream_manager.recorder.options import RecorderOptions
from stream_manager.recorder.pause import Pause
from stream_manager.recorder.worker import Worker
from tidzam.audio.timeline import ClockPair, Timeline
from tidzam.jack.ring import CLOCK, Lapped, Ring, RingReader
from tidzam.process import RestartPolicy
from tidzam.types import Float32

POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=10.0)
CLOCK_JUMP_S: Final = 0.5
"""A file ends early if the system clock was set by more than this, since it would have wrong times."""
RETAKE_S: Final = 2
"""When an encoder dies, the last seconds are taken from the ring again: it may not have written them."""
BLOCKED_S: Final = 3.0
ROOM_CHECK_S: Final = 1.0
SYNC_S: Final = 10.0
NOT_RECORDED: Final = "is not recorded: "  # the problems of a RecorderBeat begin so
_CHUNK_S: Final = 0.25


def next_cut_s(start_s: int, length_s: int) -> int:
    """When a file that starts at `start_s` ends: at the next multiple of `length_s` since 1970."""
    return (start_s // length_s + 1) * length_s


class RecordingInProgress:
    """The recording of one source: `step` writes what has arrived in the ring since the last step.

    A file begins when audio arrives, at a whole second (silence precedes the first sample), and ends at a multiple of
    `length_s`; the next one begins with the next sample. Segments have their full length: one that would begin late is
    left out. Frames that the input skipped, or that were overwritten before they were read, are silence and counted.

    One thread calls all methods; only `worker` sends events from another.
    """

    def __init__(
        self,
        options: RecorderOptions,
        ring: Ring,
        folder: RecordingFolder,
        worker: Worker,
        start: StartEncoder,
        send: Callable[[RecorderEvent], None],
        *,
        ended_s: float | None = None,
        gap_reason: str = "xrun",
        keep_setting: str = "record.keep",
    ) -> None:
        """`ended_s` is when the last file of an earlier recorder ended: the first file starts later. `gap_reason` is
        why frames are missing in the ring. `keep_setting` says how much is kept, empty if everything is."""
        self._options, self._ring, self._reader = options, ring, RingReader(ring)
        self._folder, self._worker, self._start, self._send = folder, worker, start, send
        self._places = [(slot, CLOCK) for slot in range(options.channels)]
        self._timeline: Timeline | None = None
        self._position: int | None = None
        """The next frame to record."""
        self._audio_from = 0
        """Frames before this one are not in the ring: they are silence that precedes the first sample."""
        self._file: OpenFile | None = None
        self._cut_s = self._cut_frame = 0
        self._follows: int | None = None
        """When the next file starts (seconds since 1970), if it starts at the sample after the last file."""
        self._ended_s, self._gap_reason, self._keep_setting = ended_s, gap_reason, keep_setting
        self._pause: Pause | None = None
        self._short_runs, self._failed_s, self._room_due_s, self._sync_due_s = 0, -math.inf, 0.0, 0.0
        self._frames = self._lost_frames = self._counted_until = 0

    def note_clock(self, pair: ClockPair) -> None:
        """A reading of JACK's and the system's clock."""
        if self._timeline is None:
            self._timeline = Timeline.begin(self._ring.rate_hz, pair)
            return
        jump_s = pair.utc_s - self._timeline.utc_s(pair.frame)
        self._timeline = self._timeline.with_pair(pair)
        if abs(jump_s) > CLOCK_JUMP_S:
            self._send(Notice(f"the system clock was set by {jump_s:+.1f} s; another file begins", is_failure=False))
            self._close(is_whole=False)
            self._follows = self._ended_s = None
        elif self._file is not None:
            self._cut_frame = self._timeline.frame_at_s(self._cut_s)

    def step(self, *, connected: bool, now_s: float, wait_s: float = 0.0) -> None:
        """Record what has arrived. Waits for at most `wait_s` for a slow encoder.

        A file only begins while the source is `connected`; silence completes one that has begun.
        """
        self._worker.publish_again(now_s)
        end = self._ring.written_until()
        if self._timeline is None or not end:
            return
        self._reader.new_gaps(CLOCK)
        if self._position is None:
            self._position = self._counted_until = end
        try:
            self._check_room(now_s)
            if self._pause is not None and not self._resume(end, now_s):
                return
            self._advance(self._timeline, end, connected=connected, wait_s=wait_s)
            self._sync(now_s)
        except (EncoderError, OSError) as error:
            self._fail(str(error), now_s)

    def fail(self, reason: str, now_s: float) -> None:
        """A file could not be completed in the background. That matters only if the next one could not be either."""
        if self._pause is None and (is_out_of_room(reason) or self._options.threshold is not None):
            self._fail(reason, now_s)

    def close(self) -> None:
        """End the file in progress, if there is one."""
        try:
            self._close(is_whole=False)
        except EncoderError as error:
            self._send(Notice(str(error)))

    def beat(self) -> RecorderBeat:
        """The current state."""
        size = self._worker.bytes + (self._file.size if self._file else 0)
        if (pause := self._pause) is not None:
            lost_frames = self._lost_frames + max(0, (self._position or 0) - pause.since)  # counted when it ends
            return RecorderBeat("paused", self._frames, size, lost_frames, pause.code, pause.problem)
        return RecorderBeat("waiting" if self._file is None else "recording", self._frames, size, self._lost_frames)

    @property
    def file(self) -> OpenFile | None:
        return self._file

    def _advance(self, timeline: Timeline, end: int, *, connected: bool, wait_s: float) -> None:
        assert self._position is not None
        if self._file is not None:
            self._file.flush(wait_s)
            if end - self._position > BLOCKED_S * self._ring.rate_hz:
                self._file.check_progress()
        if end - self._position > self._ring.capacity_frames:
            self._skip_hole(timeline, end)
        chunk = round(_CHUNK_S * self._ring.rate_hz)
        while self._position < end and not (self._file is not None and self._file.is_blocked):
            if self._file is None and not (connected and self._begin(timeline, end)):
                self._position, self._follows = end, None
                return
            self._record(timeline, min(end, self._position + chunk, self._cut_frame))
            if self._position >= self._cut_frame:
                self._follows = self._ended_s = self._cut_s
                self._close(is_whole=True)

    def _begin(self, timeline: Timeline, end: int) -> bool:
        """Begin a file, unless it starts after `end`."""
        assert self._position is not None
        start_s = self._follows
        if start_s is None:
            start_s = self._first_second(timeline.utc_s(self._position))
            first_frame = timeline.frame_at_s(start_s)
            if first_frame >= end:
                return False
            self._audio_from = max(self._position, first_frame)
            self._position = first_frame
        self._cut_s = next_cut_s(start_s, self._options.length_s)
        self._cut_frame = max(timeline.frame_at_s(self._cut_s), self._position + 1)
        self._follows = None
        self._file = self._open(start_s, self._position)
        return True

    def _first_second(self, time_s: float) -> int:
        """When a file starts that does not follow another one, if audio arrives at `time_s`."""
        if self._options.threshold is not None:
            return math.ceil(time_s / self._options.length_s) * self._options.length_s
        second = math.floor(time_s)
        return second + 1 if self._ended_s is not None and second < self._ended_s else second

    def _open(self, start_s: int, frame: int) -> OpenFile:
        rate_hz, threshold = self._ring.rate_hz, self._options.threshold
        place = (self._folder, start_s, frame, self._start, self._worker)
        if threshold is None:
            return ContinuousFile(*place, rate_hz=rate_hz)
        return SegmentFile(*place, rate_hz=rate_hz, threshold=threshold)

    def _record(self, timeline: Timeline, until: int) -> None:
        assert self._position is not None
        assert self._file is not None
        samples, lost, reason = self._read(self._position, max(until - self._position, 1))
        if lost:
            self._count_lost(timeline, self._position, lost, reason)
        self._file.write(samples)
        self._position += len(samples)
        self._frames += max(0, self._position - max(self._counted_until, self._audio_from))
        self._counted_until = max(self._counted_until, self._position)

    def _read(self, start: int, frames: int) -> tuple[Float32, int, str]:
        """Up to `frames` frames from `start` on, shape (frames, channels), how many of them are lost, and why."""
        if start < self._audio_from:
            return np.zeros((min(frames, self._audio_from - start), self._options.channels), np.float32), 0, ""
        try:
            window, lost = self._reader.read(self._places, start, frames)
        except Lapped as lapped:
            return np.zeros((lapped.frames, self._options.channels), np.float32), lapped.frames, "overrun"
        return window.T, max(lost), self._gap_reason

    def _skip_hole(self, timeline: Timeline, end: int) -> None:
        """More frames are missing than the ring holds: the file ends before them, and another one begins after them."""
        assert self._position is not None
        self._close(is_whole=False)
        self._count_lost(timeline, self._position, end - self._position, self._gap_reason)
        self._position, self._follows = end, None

    def _count_lost(self, timeline: Timeline, start: int, frames: int, reason: str) -> None:
        if start >= self._counted_until:
            self._lost_frames += frames
            self._send(Lost(timeline.utc_s(start), frames / self._ring.rate_hz, reason))

    def _close(self, *, is_whole: bool) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close(is_whole=is_whole)

    def _sync(self, now_s: float) -> None:
        if self._file is not None and now_s >= self._sync_due_s:
            self._file.sync()
            self._sync_due_s = now_s + SYNC_S

    def _check_room(self, now_s: float) -> None:
        if self._pause is not None or now_s < self._room_due_s:
            return
        self._room_due_s = now_s + ROOM_CHECK_S
        if self._folder.free_bytes() < self._folder.low_bytes():
            self._close(is_whole=False)
            self._pause_for_room(now_s)

    def _fail(self, reason: str, now_s: float) -> None:
        """An encoder failed, or a file could not be created."""
        file, self._file = self._file, None
        self._send(Notice(f"recording failed: {reason}"))
        broken: tuple[Path, ...] = ()
        if isinstance(file, ContinuousFile):
            file.abandon()
            broken = (file.part,)
        self._short_runs = POLICY.failures_after(self._short_runs, now_s - self._failed_s)
        self._failed_s = now_s
        if is_out_of_room(reason):
            self._pause_for_room(now_s, broken)
        elif self._short_runs == 1 and isinstance(file, ContinuousFile):
            self._retake(file)
        else:
            delay_s = POLICY.delay_s(self._short_runs)
            self._pause_until("recording_failed", f"{NOT_RECORDED}{reason}.", now_s + delay_s, broken)

    def _retake(self, file: ContinuousFile) -> None:
        """Go on in another file from a whole second for which all audio is in the ring; the old one is to end there."""
        assert self._position is not None
        rate_hz = self._ring.rate_hz
        oldest = self._ring.written_until() - self._ring.capacity_frames + 4 * self._ring.period + rate_hz // 2
        second = max((self._position - file.first_frame) // rate_hz - RETAKE_S, 0)
        second = max(second, math.ceil((oldest - file.first_frame) / rate_hz))
        self._follows = file.start_s + second
        self._position = file.first_frame + second * rate_hz
        if second == 0:
            file.part.unlink(missing_ok=True)
            self._send(Notice(f"{file.part.name} is recorded again from its beginning"))
        else:
            self._worker.repair(file.part, limit_s=second)

    def _pause_for_room(self, now_s: float, broken: tuple[Path, ...] = ()) -> None:
        lower = f", or lower `{self._keep_setting}`" if self._keep_setting else ""
        problem = f"{NOT_RECORDED}the disk of {self._folder.path} is full. Free space{lower}."
        self._pause_until("recording_disk_full", problem, now_s + ROOM_CHECK_S, broken)

    def _pause_until(self, code: str, problem: str, until_s: float, broken: tuple[Path, ...]) -> None:
        assert self._position is not None
        self._follows = None
        self._pause = Pause(code, problem, self._position, until_s, broken)

    def _resume(self, end: int, now_s: float) -> bool:
        """End the pause if its time is over and there is room. Nothing is recorded meanwhile."""
        assert self._pause is not None
        assert self._timeline is not None
        pause, self._position = self._pause, end
        if now_s < pause.until_s:
            return False
        if pause.code == "recording_disk_full" and self._folder.free_bytes() < 2 * self._folder.low_bytes():
            self._pause = Pause(pause.code, pause.problem, pause.since, now_s + ROOM_CHECK_S, pause.broken)
            return False
        self._pause = None
        self._count_lost(self._timeline, max(pause.since, self._counted_until), end - pause.since, "paused")
        for part in pause.broken:
            self._worker.repair(part)
        self._worker.repair_postponed()
        return True
