"""What a recorder process is to do, as one argument of its command line."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # a third of the memory of a recorder would be that of the settings' library
    from tidzam.config.recording import RecordSettings

FLAC_CHANNELS: Final = 8
"""The maximum number of channels in a FLAC file."""


@dataclass(frozen=True, kw_only=True)
class RecorderOptions:
    """A source, and how it is recorded. `threshold` is the smallest peak of a segment; None: files are continuous.

    If `is_held`, complete files are held back until speech in them is muted. With `ports`, the JACK ports of its
    channels, the recorder connects itself, by a client whose name no other recorder of the source has.
    """

    source: str
    channels: int
    folder: Path
    format: str
    length_s: int
    bitrate_kbps: int
    bit_depth: int
    threshold: float | None = None
    is_held: bool = False
    ports: tuple[str, ...] = ()

    @classmethod
    def of(cls, source: str, channels: int, settings: RecordSettings, *, is_held: bool = False) -> RecorderOptions:
        return cls(
            source=source,
            channels=channels,
            folder=settings.path.absolute(),
            format=settings.format,
            length_s=settings.file_length_s,
            bitrate_kbps=settings.bitrate_kbps,
            bit_depth=settings.bit_depth,
            threshold=settings.threshold if settings.mode == "segments" else None,
            is_held=is_held,
        )

    @classmethod
    def parse(cls, argument: str) -> RecorderOptions:
        """The inverse of the last argument of `recorder_argv`."""
        fields = json.loads(argument)
        return cls(**(fields | {"folder": Path(fields["folder"]), "ports": tuple(fields["ports"])}))


def recorder_argv(options: RecorderOptions) -> list[str]:
    """The command line of a recorder process."""
    fields = asdict(options) | {"folder": str(options.folder)}
    return [sys.executable, "-P", "-m", "stream_manager.recorder", json.dumps(fields)]
