"""Which frames of which recordings make up the sound of a period, and what is missing from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

RECORDER_JOIN_S: Final = 0.25
"""Files of the recorder, which begin at whole seconds, follow one another if they are not further apart than this."""
NAMED_JOIN_S: Final = 1.1
"""The same for files whose names are cut to whole seconds."""


@dataclass(frozen=True)
class TimedRecording:
    """A recording of all channels of a source: `start` is the time of its first frame."""

    path: Path
    start: datetime
    frames: int
    rate_hz: int
    channels: int

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.duration_s)


@dataclass(frozen=True)
class SoundPiece:
    """Frames of a recording that belong to a sound: `frames` from `first_frame` of the file on, at `at_frame` of the
    sound. The two counts differ in their rate if the file has another one."""

    file: TimedRecording
    first_frame: int
    at_frame: int
    frames: int


@dataclass(frozen=True)
class SoundGap:
    """A part of a sound that was not recorded, and is silent: seconds from its beginning."""

    start_s: float
    duration_s: float


@dataclass(frozen=True)
class SoundPlan:
    """A sound of `frames` at `rate_hz` from `start` on: its pieces in their order. The rest is silent."""

    start: datetime
    rate_hz: int
    frames: int
    pieces: tuple[SoundPiece, ...]

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz

    @property
    def gaps(self) -> tuple[SoundGap, ...]:
        """What was not recorded."""
        return gaps_between(((one.at_frame, one.frames) for one in self.pieces), self.frames, self.rate_hz)


def plan_sound(
    files: Sequence[TimedRecording], start: datetime, duration_s: float, *, join_s: float = RECORDER_JOIN_S
) -> SoundPlan | None:
    """The sound from `start` on, of recordings in the order of their starts; None if none of them reaches into it.

    A recording that begins within `join_s` of the end of the one before follows it frame by frame. Of one that begins
    earlier, the rest is used. The rate is that of the first recording that is used.
    """
    end = start + timedelta(seconds=duration_s)
    used = [one for one in files if one.end > start and one.start < end]
    if not used:
        return None
    rate_hz = used[0].rate_hz
    frames = round(duration_s * rate_hz)
    pieces = tuple(one for placed in _placed(used, start, rate_hz, join_s) if (one := _within(placed, frames)))
    return SoundPlan(start, rate_hz, frames, pieces) if pieces else None


def _placed(files: Iterable[TimedRecording], start: datetime, rate_hz: int, join_s: float) -> Iterator[SoundPiece]:
    """Where each recording lies, in frames from `start` on, without what one before it has."""
    end: int | None = None
    for file in files:
        named = round((file.start - start).total_seconds() * rate_hz)
        frames = round(file.frames * rate_hz / file.rate_hz)
        skipped = 0
        if end is not None and abs(named - end) <= join_s * rate_hz:
            named = end
        elif end is not None and named < end:
            skipped = end - named
        if skipped < frames:
            yield SoundPiece(file, skipped, named + skipped, frames - skipped)
            end = named + frames


def _within(piece: SoundPiece, frames: int) -> SoundPiece | None:
    """What of a piece lies in a sound of `frames`, with the first frame counted as the file counts."""
    first, last = max(0, piece.at_frame), min(frames, piece.at_frame + piece.frames)
    if first >= last:
        return None
    return replace(piece, first_frame=piece.first_frame + first - piece.at_frame, at_frame=first, frames=last - first)


def gaps_between(pieces: Iterable[tuple[int, int]], frames: int, rate_hz: int) -> tuple[SoundGap, ...]:
    """What `pieces`, first frames and lengths in their order, leave out of `frames`."""
    found, at = list[SoundGap](), 0
    for first, length in (*pieces, (frames, 0)):
        if first > at:
            found.append(SoundGap(at / rate_hz, (first - at) / rate_hz))
        at = max(at, first + length)
    return tuple(found)
