"""What the capture process tells the analyzer: one JSON object a line on its standard output."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.jack.helper_protocol import HelperMessages


@dataclass(frozen=True)
class Ready:
    """The ring is laid in the shared memory, and JACK answers."""

    client: str
    rate_hz: int


@dataclass(frozen=True)
class Opened:
    """A port is being captured into `slot`, at the pace of its source's `lane`; right from `first_frame` on."""

    channel: str
    slot: int
    lane: int
    first_frame: int


@dataclass(frozen=True)
class Closed:
    """A port has gone; its slot may be given to another."""

    channel: str


@dataclass(frozen=True)
class Refused:
    """A port matches and cannot be captured. Told once; it is tried again."""

    channel: str
    reason: str


@dataclass(frozen=True)
class Clock:
    """JACK's frame clock (64 bits, as in the ring) beside the system's (seconds since 1970, UTC)."""

    frame: int
    utc_s: float


@dataclass(frozen=True)
class Alive:
    """Sent every second, so that a process that hangs is noticed.

    `cycle` is the frame at which JACK's last cycle began, in 32 bits; it moves as long as the server does its job,
    even if no callback of this process runs. It is None as long as the server has not admitted this process.
    """

    cycle: int | None


@dataclass(frozen=True)
class Failed:
    """Why the process is about to end."""

    message: str
    hint: str


Event = Ready | Opened | Closed | Refused | Clock | Alive | Failed
_MESSAGES = HelperMessages[Event](Ready, Opened, Closed, Refused, Clock, Alive, Failed)
encode = _MESSAGES.encode
decode = _MESSAGES.decode
