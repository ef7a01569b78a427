"""What a direct recorder is to do, as one argument of its command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from stream_manager.recorder.options import RecorderOptions

SourceKind = Literal["device", "file", "address"]


@dataclass(frozen=True, kw_only=True)
class DirectSource:
    """A source, and how it is recorded. `record.channels` is ignored: they are those of the source.

    `address` is the name of a sound card for ALSA, the path of a file or an address, as the `kind` says. `channels`
    selects channels of it, in that order; None: all. `device_channels` and `device_rate_hz` are what a sound card is
    asked for. A file is repeated if it is a `loop`; whatever ends or fails is opened again if it `is_permanent`.
    """

    kind: SourceKind
    address: str
    record: RecorderOptions
    channels: tuple[int, ...] | None = None
    device_channels: int = 1
    device_rate_hz: int = 48000
    loop: bool = False
    is_permanent: bool = True

    @property
    def name(self) -> str:
        return self.record.source


@dataclass(frozen=True, kw_only=True)
class DirectOptions:
    """The sources of a recorder process.

    Complete files are moved to the folder `complete_in`, if there is one. While the disk is full, the oldest files in
    the folders `removable` are deleted, those of the first folder first. `status` and `beat` are files that are
    written and touched regularly. With `prints`, events are printed, one JSON object per line. A recorder that `waits`
    goes on when all of its sources have ended.
    """

    sources: tuple[DirectSource, ...]
    complete_in: Path | None = None
    removable: tuple[Path, ...] = ()
    status: Path | None = None
    beat: Path | None = None
    prints: bool = False
    waits: bool = False

    def encode(self) -> str:
        """As one argument, see `parse`."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def parse(cls, argument: str) -> Self:
        """The inverse of `encode`."""
        fields = json.loads(argument)
        return cls(
            sources=tuple(_source(source) for source in fields["sources"]),
            complete_in=_path(fields["complete_in"]),
            removable=tuple(map(Path, fields["removable"])),
            status=_path(fields["status"]),
            beat=_path(fields["beat"]),
            prints=fields["prints"],
            waits=fields["waits"],
        )


def direct_recorder_argv(options: DirectOptions) -> list[str]:
    """The command line of a direct recorder."""
    return [sys.executable, "-P", "-m", "stream_manager.direct", options.encode()]


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _source(fields: dict[str, Any]) -> DirectSource:
    channels = fields["channels"]
    record = RecorderOptions.parse(json.dumps(fields["record"]))
    return DirectSource(**(fields | {"record": record, "channels": None if channels is None else tuple(channels)}))
