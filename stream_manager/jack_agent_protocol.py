"""What the JACK agent and its parent agree on.

The agent writes one fact per line: `=44100` (connected, at this rate), `+PORT`, `-PORT`, and an empty line that ends a
burst of them. Every BEAT_S it writes a beat, which `Beat` describes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BEAT_S: Final = 0.5
BEAT_TIMEOUT_S: Final = 4.0
"""An agent that has sent no beat for this long hangs. Its beats do not wait for JACK."""

START_TIMEOUT_S: Final = 10.0
"""How long an agent may take until its first beat: Python starts slowly on a busy machine."""

BUSY_TIMEOUT_S: Final = 15.0
"""A call of libjack that takes longer hangs. A server may keep a client waiting for some seconds."""

OPEN_S: Final = 3.0
"""A server that keeps a new client waiting for longer counts as stalled, until it answers."""

STALL_S: Final = 2.0
STALL_CYCLES: Final = 4
"""JACK is stalled when its frame clock has not moved for the longer of these."""

EXIT_NO_SERVER: Final = 3
EXIT_SERVER_GONE: Final = 4


@dataclass(frozen=True)
class Beat:
    """What an agent reports about itself and JACK every BEAT_S: `@1 0.02 pond field`.

    `stalled` is whether JACK's cycles have stopped, `busy_s` how long the current call of libjack has taken, and
    `quiet` the sources on whose ports there were only samples of exactly zero since the last beat.
    """

    stalled: bool
    busy_s: float
    quiet: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return " ".join((f"@{self.stalled:d}", f"{self.busy_s:.2f}", *sorted(self.quiet)))

    @classmethod
    def parse(cls, line: str) -> Beat:
        """The beat that `str` wrote, without its `@`."""
        stalled, busy_s, *quiet = line.split()
        return cls(stalled == "1", float(busy_s), frozenset(quiet))


def stall_timeout_s(period: int, rate_hz: int) -> float:
    """How long JACK's frame clock may stay the same."""
    return max(STALL_S, STALL_CYCLES * period / rate_hz)
