"""The last transitions of a source."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stream_manager.faults import SourceFailure
from stream_manager.source_state import SourceEvent
from tidzam.protocol.source_status import SourceState, TransitionRecord

KEPT: Final = 100
"""How many transitions of a source are kept."""


@dataclass(frozen=True)
class Transition:
    """A source went from one state to another because of `event`. `time` is UTC, `reason` that of a failure.

    `retry_in_s` is the delay before the next attempt, None if there will be none.
    """

    source: str
    time: datetime
    before: SourceState
    event: SourceEvent
    after: SourceState
    reason: SourceFailure | None
    retry_in_s: float | None

    def record(self) -> TransitionRecord:
        """Its form in the protocol."""
        return TransitionRecord(
            time=self.time,
            before=self.before,
            event=self.event.name.lower(),
            after=self.after,
            code=self.reason.code if self.reason else None,
            reason=str(self.reason) if self.reason else None,
            retry_in_s=None if self.retry_in_s is None else round(self.retry_in_s, 3),
        )


class TransitionHistory:
    """The last KEPT transitions of one source, the oldest first. `count` is the number of all that there were."""

    def __init__(self) -> None:
        self._kept: deque[Transition] = deque(maxlen=KEPT)
        self.count = 0

    def add(self, taken: Transition) -> None:
        self._kept.append(taken)
        self.count += 1

    def __iter__(self) -> Iterator[Transition]:
        return iter(tuple(self._kept))

    def __len__(self) -> int:
        return len(self._kept)
