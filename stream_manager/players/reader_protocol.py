"""What the recording reader is asked for, and what it reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tidzam.jack.helper_protocol import HelperMessages


@dataclass(frozen=True)
class ReadOrder:
    """Write the samples of the file `path` from `start_s` on, if it has this rate and so many channels.

    `selected` are the numbers of the channels to write, in that order; None for all.
    """

    path: str
    start_s: float
    rate_hz: int
    channels: int
    selected: Sequence[int] | None = None

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass(frozen=True)
class ReadFinished:
    """All samples of the file were written: so many `frames`."""

    frames: int


@dataclass(frozen=True)
class Differs:
    """Nothing was written: the file has another rate or number of channels."""

    rate_hz: int
    channels: int


@dataclass(frozen=True)
class ReadFailed:
    """After `frames` frames, the file could not be read any further."""

    message: str
    frames: int


ReaderMessage = ReadFinished | Differs | ReadFailed
MESSAGES: HelperMessages[ReaderMessage] = HelperMessages(ReadFinished, Differs, ReadFailed)
