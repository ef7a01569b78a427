"""Detections, and how many there are per hour and per day."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Any, Final

from sqlalchemy import JSON, REAL, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from tidzam.daytime import DayPart
from tidzam.store.base import Base, Key, Medium, Small

DAY_PARTS: Final = (DayPart.NIGHT, DayPart.DAWN, DayPart.DAY, DayPart.DUSK)
"""The parts of the day, by their numbers in the store."""


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
    several: `[{"channel", "level_dbfs", "arrival_ms"}]`.
    """

    __tablename__ = "detections"
    __table_args__ = (
        Index(None, "start"),
        Index(None, "class_id", "start"),
        Index(None, "channel_id", "start"),
        Index("ix_detections_open", "channel_id", sqlite_where=text("is_open"), postgresql_where=text("is_open")),
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


class DetectionHourRow(Base):
    """The number of detections of a class on a channel that begin in an hour of the node's clock, without those judged
    wrong."""

    __tablename__ = "detection_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)

    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id"), primary_key=True)
    local_hour: Mapped[Medium] = mapped_column(primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    detections: Mapped[Medium]


class DetectionDayRow(Base):
    """The sum of `DetectionHourRow` over a day: `local_day` counts the days since the epoch."""

    __tablename__ = "detection_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    local_day: Mapped[Medium] = mapped_column(primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("classes.id"), primary_key=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), primary_key=True)
    detections: Mapped[Medium]
