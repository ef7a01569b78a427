"""What `tidzam record` asks its recorder for, as one argument of a command line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

InputKind = Literal["device", "file", "address"]


@dataclass(frozen=True, kw_only=True)
class SessionSource:
    """A source of a running node: its channels are the JACK `ports`."""

    name: str
    ports: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class DirectAddress:
    """A sound card by its name in ALSA, a file, or an address, recorded without a node."""

    name: str
    kind: InputKind
    address: str


@dataclass(frozen=True, kw_only=True)
class RecordingSession:
    """Sources that are recorded into `folder` for `duration_s` of each, or without an end.

    Files are cut at multiples of `length_s`. `rate_hz` is that of the JACK server called `server`, and what sound cards
    are asked for; `channels` are those of sound cards. A file is repeated if it is a `loop`.
    """

    folder: Path
    format: str
    length_s: int
    bit_depth: int
    rate_hz: int
    channels: int = 1
    duration_s: float | None = None
    loop: bool = False
    server: str | None = None
    jack: tuple[SessionSource, ...] = ()
    direct: tuple[DirectAddress, ...] = ()
    as_json: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all sources."""
        return (*(one.name for one in self.jack), *(one.name for one in self.direct))

    def encode(self) -> str:
        """As one argument, see `parse`."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def parse(cls, argument: str) -> Self:
        """The inverse of `encode`."""
        fields = json.loads(argument)
        jack = tuple(SessionSource(name=one["name"], ports=tuple(one["ports"])) for one in fields["jack"])
        direct = tuple(DirectAddress(**one) for one in fields["direct"])
        return cls(**(fields | {"folder": Path(fields["folder"]), "jack": jack, "direct": direct}))
