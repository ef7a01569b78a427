"""Deduplicates repeated messages in a log: each is written once per minute with the number of its repetitions."""

from __future__ import annotations

import re
from dataclasses import dataclass

PERIOD_S = 60.0
MOST_MESSAGES = 200
"""Maximum number of different messages that are counted; a new one replaces the oldest."""
_NUMBERS = re.compile(r"\d+")


@dataclass
class _Repeats:
    since_s: float
    last: str
    count: int = 0


class LogDeduplicator:
    """Passes the first of several lines that differ only in numbers, counts the others, and reports them every
    period."""

    def __init__(self) -> None:
        self._repeats: dict[str, _Repeats] = {}

    def pass_on(self, line: str, now_s: float) -> list[str]:
        """The lines to write after `line` was read."""
        written = self.due(now_s)
        kind = _NUMBERS.sub("#", line)
        if kind in self._repeats:
            self._repeats[kind].count += 1
            self._repeats[kind].last = line
            return written
        if len(self._repeats) >= MOST_MESSAGES:
            written += _report(self._repeats.pop(next(iter(self._repeats))))
        self._repeats[kind] = _Repeats(now_s, line)
        return [*written, line]

    def due(self, now_s: float) -> list[str]:
        """The lines to write at `now_s` for repetitions whose period has ended."""
        over = [kind for kind, repeats in self._repeats.items() if now_s - repeats.since_s >= PERIOD_S]
        return [line for kind in over for line in _report(self._repeats.pop(kind))]


def _report(repeats: _Repeats) -> list[str]:
    if repeats.count == 0:
        return []
    return [f"{repeats.last} (repeated {repeats.count} times within {PERIOD_S:.0f} s)"]
