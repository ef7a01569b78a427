"""The messages and time limits that the JACK agent and its parent agree on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from stream_manager.signals.measurement import SignalMeasurement
from tidzam.jack.helper_protocol import HelperMessages

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

MAX_PORTS_PER_MESSAGE: Final = 200
"""Keeps a line below the 64 KiB that asyncio reads."""


@dataclass(frozen=True)
class Connected:
    """The agent has become a client of the server, which runs at `rate_hz`."""

    rate_hz: int


@dataclass(frozen=True)
class PortChanges:
    """Ports that were added and removed since the last message. `is_last` is False if more changes follow at once."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    is_last: bool = True


@dataclass(frozen=True)
class AgentBeat:
    """The state of the agent and of JACK, sent every BEAT_S.

    `stalled` is whether JACK's cycles have stopped, `busy_s` how long the current call of libjack has taken, and
    `quiet` the sources on whose ports there were only samples of exactly zero since the last beat. `xruns` is how often
    JACK reported since the last beat that it or a client was late, and `late_s` by how much its driver was in total.
    """

    stalled: bool
    busy_s: float
    quiet: tuple[str, ...] = ()
    xruns: int = 0
    late_s: float = 0.0


@dataclass(frozen=True)
class Signals:
    """Measurements of the signals of some ports: the fields of SignalMeasurement, a value per port."""

    ports: tuple[str, ...]
    level_dbfs: tuple[float, ...]
    is_zero: tuple[bool, ...]
    clipped_share: tuple[float, ...]
    hum_share: tuple[float, ...]
    hum_dbfs: tuple[float, ...]
    bandwidth_hz: tuple[float, ...]
    repetition: tuple[float, ...]

    def measurements(self) -> dict[str, SignalMeasurement]:
        """By port. Raises ValueError if the fields differ in length."""
        values = (getattr(self, field.name) for field in fields(SignalMeasurement))
        return {port: SignalMeasurement(*row) for port, row in zip(self.ports, zip(*values, strict=True), strict=True)}


AgentMessage = Connected | PortChanges | AgentBeat | Signals
MESSAGES = HelperMessages[AgentMessage](Connected, PortChanges, AgentBeat, Signals)


def signal_messages(measured: Mapping[str, SignalMeasurement]) -> Iterator[Signals]:
    """The messages that report `measured`; none if it is empty."""
    rows = list(measured.items())
    for start in range(0, len(rows), MAX_PORTS_PER_MESSAGE):
        piece = rows[start : start + MAX_PORTS_PER_MESSAGE]
        columns: Iterator[Any] = (
            tuple(_rounded(getattr(one, field.name)) for _, one in piece) for field in fields(SignalMeasurement)
        )
        yield Signals(tuple(port for port, _ in piece), *columns)


def _rounded(value: float | bool) -> float | bool:
    return value if isinstance(value, bool) else round(value, 4)


def port_changes(before: frozenset[str], now: frozenset[str]) -> Iterator[PortChanges]:
    """The messages that lead from one set of ports to another; one if nothing changed."""
    removed, added = sorted(before - now), sorted(now - before)
    step = MAX_PORTS_PER_MESSAGE
    for start in range(0, max(len(added), len(removed), 1), step):
        end = start + step
        is_last = end >= max(len(added), len(removed))
        yield PortChanges(tuple(added[start:end]), tuple(removed[start:end]), is_last)


def stall_timeout_s(period: int, rate_hz: int) -> float:
    """For how long JACK's frame clock may stand still before JACK counts as stalled."""
    return max(STALL_S, STALL_CYCLES * period / rate_hz)


def encode_all(messages: Iterable[AgentMessage]) -> str:
    """`messages` as lines, the last one without its end."""
    return "\n".join(map(MESSAGES.encode, messages))
