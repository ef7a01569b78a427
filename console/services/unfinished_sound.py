"""The sound of recordings that are not complete: read as far as they go, or when it will be there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from tidzam.audio.files import open_audio
from tidzam.errors import AudioError, RequestError
from tidzam.recorded_sound.folder import RecordedFolder, UnfinishedRecording
from tidzam.recorded_sound.plan import SoundGap, SoundPlan, TimedRecording

LAG: Final = timedelta(seconds=1)
"""How much older the last sample of a file may be than the file: encoders hold some."""
PATIENCE: Final = timedelta(seconds=10)
"""A period that ends further in the future than this is not waited for: the part that exists is sent."""
_WRITTEN: Final = timedelta(seconds=10)
"""A file that was not written to for this long is not in progress."""
_RECENT: Final = timedelta(minutes=10)
"""A source of which segments were written so shortly before a period is being recorded."""
_CHECK: Final = timedelta(seconds=5)
"""How long a complete file is held while speech in it is muted, as a rule."""
_ROUNDING_S: Final = 0.05


class StillRecordingError(RequestError):
    """The sound is still being recorded; the next attempt makes sense after `wait_s` seconds."""

    code = "still_recording"

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(1, math.ceil(wait.total_seconds()))
        super().__init__("The sound is still being recorded.", hint=f"Try again in {self.wait_s} s.")


class UnfinishedSound:
    """What a source's folder of recordings holds in files that are not complete.

    `length_s` is the length of a file, None if that is unknown. If speech is muted in complete files (`is_private`), no
    other file is read. Segments (`is_segments`) are in memory until they are whole. Unless recording `is_enabled`, the
    source is recorded only if a client has switched that on.
    """

    def __init__(
        self,
        folder: RecordedFolder,
        *,
        length_s: int | None,
        is_private: bool,
        is_segments: bool,
        is_enabled: bool,
    ) -> None:
        self._folder, self._length_s, self._is_enabled = folder, length_s, is_enabled
        self._is_private, self._is_segments = is_private, is_segments

    def files(self, start: datetime, end: datetime, now: datetime) -> list[TimedRecording]:
        """The files in progress that hold some of a period, as far as they can be read."""
        if self._is_private:
            return []
        unfinished = self._folder.unfinished(start, end)
        files = [_timed(one, now) for one in unfinished if not one.is_held]
        return [file for file in files if file is not None and file.end > start]

    def require_recorded(self, plan: SoundPlan | None, start: datetime, end: datetime, now: datetime) -> None:
        """Raises StillRecordingError if more of a period than its plan holds is there soon."""
        if end > now + PATIENCE or start > now:
            return
        known = max((piece.file.end for piece in plan.pieces), default=start) if plan else start
        if known >= end:
            return
        wait = self._wait_for_segment(start, end, now) if self._is_segments else timedelta(0)
        if wait <= timedelta(0):
            wait = self._wait_for_file(known, end, now)
        if wait > timedelta(0):
            raise StillRecordingError(wait)

    def _wait_for_segment(self, start: datetime, end: datetime, now: datetime) -> timedelta:
        """Until the segment that is in memory is written, unless it is silent; nothing if none is recorded."""
        wait = end + timedelta(seconds=self._length_s or 0) + (_CHECK if self._is_private else LAG) - now
        if wait <= timedelta(0) or self._is_enabled:
            return wait
        recent = start - _RECENT
        is_recorded = any(begun > recent for _, begun in self._folder.names(recent, end))
        return wait if is_recorded or self._folder.unfinished(recent, end) else timedelta(0)

    def _wait_for_file(self, start: datetime, end: datetime, now: datetime) -> timedelta:
        """Until the file that will hold the rest of a period can be read; nothing if there will be none."""
        unfinished = [one for one in self._folder.unfinished(start, end) if one.is_held or _is_written(one, now)]
        if not unfinished:
            return timedelta(0)
        if not (self._is_private or self._is_segments):
            return end + LAG - now
        last = unfinished[-1]
        if last.is_held or self._is_segments or self._length_s is None:
            return _CHECK
        begun_s = math.floor(last.start.timestamp())
        cut = datetime.fromtimestamp((begun_s // self._length_s + 1) * self._length_s, UTC)
        return max(cut - now, timedelta(0)) + _CHECK


def require_read(plan: SoundPlan, gaps: Sequence[SoundGap]) -> None:
    """Raises StillRecordingError if more than was planned is missing, and a file is not complete: its last samples are
    not in it yet, or it is complete by now and has another name."""
    lacking_s = sum(gap.duration_s for gap in gaps) - sum(gap.duration_s for gap in plan.gaps)
    if lacking_s > _ROUNDING_S and any(piece.file.path.name.startswith(".") for piece in plan.pieces):
        raise StillRecordingError(LAG)


def _is_written(one: UnfinishedRecording, now: datetime) -> bool:
    return not one.is_held and now - one.changed < _WRITTEN


def _timed(one: UnfinishedRecording, now: datetime) -> TimedRecording | None:
    """What can be read of a file that is not complete; None if that is nothing yet."""
    try:
        rate_hz, channels = _stream_of(one.path)
    except AudioError:
        return None
    lag = LAG if _is_written(one, now) else timedelta(0)
    frames = round((one.changed - lag - one.start).total_seconds() * rate_hz)
    return TimedRecording(one.path, one.start, frames, rate_hz, channels) if frames > 0 else None


@lru_cache(256)
def _stream_of(path: Path) -> tuple[int, int]:
    """The sample rate and the number of channels of a file. Raises AudioError."""
    with open_audio(path) as audio:
        return audio.rate_hz, audio.channels
