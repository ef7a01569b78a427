"""The replay of a database from a date: how far it has come, whichever player plays it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from stream_manager.recordings.database import RecordingDatabase
from stream_manager.recordings.sequence import Passage, first_passage, next_passage
from tidzam.protocol.recordings import ReplayStatus


@dataclass(frozen=True)
class MediaTime:
    """The time (UTC) of what is played at a frame of the JACK server's clock (32 bits)."""

    frame: int
    time: datetime


@dataclass
class Replay:
    """What a source replays, from `date` on. A player goes on where the last one has stopped: at `time_s`, in seconds
    since 1970.

    `anchor` is the last time that a player reported. `holes` and `skipped_s` count what was missing. `is_over`: the
    newest recording has been played.
    """

    database: RecordingDatabase
    date: datetime
    time_s: float
    passage: Passage | None = None
    anchor: MediaTime | None = None
    holes: int = 0
    skipped_s: float = 0.0
    is_over: bool = False
    missing_until_s: float = field(default=0.0, repr=False)
    """Where the last hole ends, so that a player that begins there again does not count it twice."""

    @classmethod
    def of(cls, database: RecordingDatabase, date: datetime) -> Replay:
        return cls(database, date, date.timestamp())

    def next(self) -> Passage | None:
        """Where the next player begins; None if there is no recording from `time_s` to the present."""
        return first_passage(self.database.index, self.time_s, now_s=time.time())

    def after(self, played: Passage, played_s: float) -> Passage | None:
        """What follows a passage of which `played_s` seconds were played; None if no recording does at present."""
        return next_passage(self.database.index, played, played_s, now_s=time.time())

    def skip(self, passage: Passage) -> bool:
        """Count the hole before a passage; False if there is none, or if it was counted before."""
        if not passage.hole_s or passage.time_s <= self.missing_until_s:
            return False
        self.holes += 1
        self.skipped_s += passage.hole_s
        self.missing_until_s = passage.time_s
        return True

    def status(self) -> ReplayStatus:
        return ReplayStatus(
            database=self.database.name,
            time=utc(self.time_s),
            file=None if self.passage is None else self.passage.recording.file_name,
            holes=self.holes,
            skipped_s=round(self.skipped_s, 3),
            anchor_frame=self.anchor and self.anchor.frame,
            anchor_time=self.anchor and self.anchor.time,
        )


def utc(seconds: float) -> datetime:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC)
