"""What a program and its process with the ports of live streams send each other.

The program writes frames in binary to the standard input of the process: a header, and the audio as it came from the
client. The process reports by `HelperMessages`, one JSON object per line.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tidzam.jack.helper_protocol import HelperMessages

STATUS_S: Final = 0.25
"""How often the process reports the status of every slot."""

_HEADER: Final = struct.Struct("<BxHII")
MOST_BYTES: Final = 1 << 24
"""The maximum length of the audio in one frame."""


@dataclass(frozen=True)
class LivePortOptions:
    """The name of the JACK client, its number of slots, and how much audio each of them buffers."""

    client: str
    ports: int
    delay_s: float
    buffer_s: float

    def argv(self) -> list[str]:
        """The command line of the process."""
        values = (self.client, str(self.ports), f"{self.delay_s:g}", f"{self.buffer_s:g}")
        return [sys.executable, "-P", "-m", "tidzam.jack.live_ports", *values]

    @classmethod
    def parse(cls, client: str, ports: str, delay_s: str, buffer_s: str) -> LivePortOptions:
        return cls(client, int(ports), float(delay_s), float(buffer_s))


class FrameKind(IntEnum):
    """`OPEN` registers the port of a slot, `AUDIO` carries samples for it, and `CLOSE` plays what is buffered and then
    removes the port."""

    OPEN = 1
    AUDIO = 2
    CLOSE = 3


@dataclass(frozen=True)
class LiveFrame:
    """A request for `slot`; `pcm` is 16-bit mono PCM in little-endian order at `rate_hz`."""

    kind: FrameKind
    slot: int
    rate_hz: int = 0
    pcm: bytes = b""

    @property
    def duration_s(self) -> float:
        """The duration of its audio."""
        return len(self.pcm) / 2 / self.rate_hz if self.rate_hz else 0.0

    def encode(self) -> bytes:
        return _HEADER.pack(self.kind, self.slot, self.rate_hz, len(self.pcm)) + self.pcm


class LiveFrameReader:
    """Finds the frames in a stream of bytes that arrives in pieces of any length."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[LiveFrame]:
        """The frames that `data` completes. Raises ValueError for anything else."""
        self._rest += data
        while len(self._rest) >= _HEADER.size:
            kind, slot, rate_hz, length = _HEADER.unpack_from(self._rest)
            if length > MOST_BYTES:
                raise ValueError(f"a frame of {length} bytes, expected at most {MOST_BYTES}")
            end = _HEADER.size + length
            if len(self._rest) < end:
                return
            pcm = bytes(self._rest[_HEADER.size : end])
            del self._rest[:end]
            yield LiveFrame(FrameKind(kind), slot, rate_hz, pcm)


@dataclass(frozen=True)
class LiveReady:
    """The process is a client of the server, which runs at `rate_hz`."""

    rate_hz: int


@dataclass(frozen=True)
class SlotClosed:
    """The port of a slot no longer exists; `reason` is empty if that was requested."""

    slot: int
    reason: str = ""


@dataclass(frozen=True)
class SlotStatus:
    """The state of a slot since it was opened.

    `plays` is whether its audio is being played, rather than silence until enough of it has arrived. `gaps` is how
    often the buffer ran empty, and `gap_s` the silence that was played therefore. `dropped_s` did not fit into the
    buffer. `drift_ppm` is by how much the client's clock is faster than JACK's; None while it is not known.
    """

    slot: int
    plays: bool
    buffered_s: float
    played_s: float
    gaps: int
    gap_s: float
    dropped_s: float
    drift_ppm: float | None


@dataclass(frozen=True)
class LiveBeat:
    """Sent after the status of all slots: the process is alive."""


LiveMessage = LiveReady | SlotClosed | SlotStatus | LiveBeat
LIVE_MESSAGES = HelperMessages[LiveMessage](LiveReady, SlotClosed, SlotStatus, LiveBeat)
