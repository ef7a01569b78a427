"""Detections, and how many there are per hour and per day."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from sqlalchemy import JSON, REAL, ForeignKey, Index, LargeBinary, false, text
from sqlalchemy.orm import Mapped, mapped_column

from tidzam.daytime import DayPart
from tidzam.store.base import Base, Key, KeyPart, Medium, Small

DAY_PARTS: Final = (DayPart.NIGHT, DayPart.DAWN, DayPart.DAY, DayPart.DUSK)
"""The parts of the day, by their numbers in the store."""

IS_OPEN, IS_MARKED, IS_JUDGED = (text(f"detections.{name}") for name in ("is_open", "is_marked", "verdict IS NOT NULL"))
"""Few detections are: an index of those alone is small. A query that says so in these words is answered from it."""

_OPEN, _MARKED, _JUDGED = (text(str(one).removeprefix("detections.")) for one in (IS_OPEN, IS_MARKED, IS_JUDGED))


class DetectionVerdict(IntEnum):
    """What a person says about a detection."""

    RIGHT = 1
    WRONG = 2
    OTHER_CLASS = 3
    UNSURE = 4

    @property
    def counts(self) -> bool:
        """Whether charts count such a detection: its class was heard, as far as is known."""
        return self not in (DetectionVerdict.WRONG, DetectionVerdict.OTHER_CLASS)


class DetectionRow(Base):
    """A detection of the analyzer.

    `event_key` is a digest of its id in events, so that it is stored once however often it arrives. `local_hour` counts
    the hours since the epoch by the clock of its node at that time: the day of the clock is `local_hour / 24`.
    `day_part` is a number of `DAY_PARTS`. `channels` holds all channels that heard it, the loudest first, if there are
    several: `[{"channel", "level_dbfs", "arrival_ms"}]`. `verdict` is the last one of its verifications. Somebody wants
    to find one again that `is_marked`, and to keep its clip.
    """

    __tablename__ = "detections"
    __table_args__ = (
        Index(None, "start"),
        Index(None, "class_id", "start"),
        Index(None, "channel_id", "start"),
        Index("ix_detections_judged", "start", "class_id", "verdict", sqlite_where=_JUDGED, postgresql_where=_JUDGED),
        Index("ix_detections_marked", "start", sqlite_where=_MARKED, postgresql_where=_MARKED),
        Index("ix_detections_open", "channel_id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    )

    id: Mapped[Key]
    event_key: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id"))
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"))
    start: Mapped[datetime]
    end: Mapped[datetime]
    local_hour: Mapped[Medium]
    day_part: Mapped[Small | None]
    peak_probability: Mapped[float] = mapped_column(REAL)
    mean_probability: Mapped[float] = mapped_column(REAL)
    windows: Mapped[Medium]
    level_dbfs: Mapped[float | None] = mapped_column(REAL)
    is_open: Mapped[bool]
    verdict: Mapped[Small | None]
    clip: Mapped[str | None]
    channels: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    is_marked: Mapped[bool] = mapped_column(server_default=false())


class VerificationRow(Base):
    """A verdict of a user on a detection. The last one counts. `class_id` is the other class, if it is one."""

    __tablename__ = "verifications"

    id: Mapped[Key]
    detection_id: Mapped[int] = mapped_column(ForeignKey("detections.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created: Mapped[datetime]
    verdict: Mapped[Small]
    class_id: Mapped[int | None] = mapped_column(ForeignKey("classes.id"))


class DetectionHourRow(Base):
    """The number of detections of a class on a channel that begin in an hour of the node's clock, without those judged
    wrong."""

    __tablename__ = "detection_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)

    class_id: Mapped[KeyPart]
    local_hour: Mapped[Medium] = mapped_column(primary_key=True)
    channel_id: Mapped[KeyPart]
    model_id: Mapped[KeyPart]
    detections: Mapped[Medium]


class DetectionDayRow(Base):
    """The sum of `DetectionHourRow` over a day: `local_day` counts the days since the epoch."""

    __tablename__ = "detection_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    channel_id: Mapped[KeyPart]
    local_day: Mapped[Medium] = mapped_column(primary_key=True)
    class_id: Mapped[KeyPart]
    model_id: Mapped[KeyPart]
    detections: Mapped[Medium]


class ClassHourRow(Base):
    """The sum of `DetectionHourRow` over channels and models: pages that filter by neither read a tenth of the rows."""

    __tablename__ = "class_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)

    local_hour: Mapped[Medium] = mapped_column(primary_key=True)
    class_id: Mapped[KeyPart]
    detections: Mapped[Medium]


class ClassDayRow(Base):
    """The sum of `ClassHourRow` over a day."""

    __tablename__ = "class_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    local_day: Mapped[Medium] = mapped_column(primary_key=True)
    class_id: Mapped[KeyPart]
    detections: Mapped[Medium]


class ChannelHourRow(Base):
    """The sum of `DetectionHourRow` over classes and models."""

    __tablename__ = "channel_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)

    channel_id: Mapped[KeyPart]
    local_hour: Mapped[Medium] = mapped_column(primary_key=True)
    detections: Mapped[Medium]
