"""Jobs: long work of a node, such as a training, that somebody asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, REAL, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tidzam.store.base import Base, Key


class JobRow(Base):
    """A job of a node.

    `kind` says what is done, such as `recognizer`, and `parameters` how. `state` is a value of
    `tidzam.jobs.states.JobState`. `progress` goes from 0 to 1; None while it is not known. `message` says what is done
    at present, or why it failed; `result` what it found.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "node_id", "state"),)

    id: Mapped[Key]
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    kind: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(200))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[float | None] = mapped_column(REAL)
    message: Mapped[str] = mapped_column(Text)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    ended: Mapped[datetime | None]
