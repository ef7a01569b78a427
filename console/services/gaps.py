"""Gaps as the REST API and the pages show them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import Field

from console.services.models import ConsoleModel
from tidzam.gaps.records import Gap, GapReason
from tidzam.gaps.words import REASONS


class GapView(ConsoleModel):
    """A time in which a channel could not be heard."""

    channel: str = Field(description="JACK port; a source, for all its channels; `*` for all of the node")
    start: datetime = Field(description="Its beginning, UTC")
    end: datetime = Field(description="Its end, UTC; now if it lasts")
    seconds: float = Field(description="How long nothing was heard in all")
    count: int = Field(description="Number of gaps, if they were short and are reported as one")
    reason: GapReason = Field(description="Why")
    words: str = Field(description="Why, in words")
    is_open: bool = Field(description="Whether it lasts")

    @classmethod
    def of(cls, gap: Gap, *, is_open: bool) -> Self:
        """As the ledger has it."""
        return cls(
            channel=gap.channel,
            start=gap.start,
            end=gap.end,
            seconds=round(gap.seconds, 3),
            count=max(1, gap.count),
            reason=gap.reason,
            words=REASONS[gap.reason],
            is_open=is_open,
        )
