"""Events that the capture process reports to the analyzer: one JSON object per line on its standard output."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.jack.helper_protocol import HelperMessages


@dataclass(frozen=True)
class Ready:
    """The ring exists in the shared memory, and JACK answers."""

    client: str
    rate_hz: int


@dataclass(frozen=True)
class Opened:
    """A port is captured into `slot`, as far as its source's `lane` is written; valid from `first_frame` on."""

    channel: str
    slot: int
    lane: int
    first_frame: int


@dataclass(frozen=True)
class Closed:
    """A captured or refused port has disappeared; its slot may be assigned to another."""

    channel: str


@dataclass(frozen=True)
class Refused:
    """A port matches but cannot be captured. Reported once; capture is retried."""

    channel: str
    reason: str


@dataclass(frozen=True)
class Clock:
    """A reading of JACK's frame clock (64 bits, as in the ring) and of the system clock (seconds since 1970, UTC)."""

    frame: int
    utc_s: float


@dataclass(frozen=True)
class Alive:
    """Sent every second, so that a process that hangs is noticed.

    `cycle` is the frame at which JACK's last cycle began, in 32 bits; it advances while the server works,
    even if no callback of this process runs. It is None until the server has accepted this process as a client.
    """

    cycle: int | None


@dataclass(frozen=True)
class CaptureFailed:
    """The reason why the process is about to exit."""

    message: str
    hint: str


Event = Ready | Opened | Closed | Refused | Clock | Alive | CaptureFailed
_MESSAGES = HelperMessages[Event](Ready, Opened, Closed, Refused, Clock, Alive, CaptureFailed)
encode = _MESSAGES.encode
decode = _MESSAGES.decode
