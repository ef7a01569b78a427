"""Messages of a recorder process to the stream manager: one JSON object per line on its standard output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tidzam.jack.helper_protocol import HelperMessages

BEAT_S: Final = 0.5


@dataclass(frozen=True)
class RecorderBeat:
    """Sent every BEAT_S. `state` is `waiting` (for audio of the source), `recording` or `paused`.

    `frames` and `bytes` have been recorded since the process started, those of the file in progress included.
    `lost_frames` could not be recorded. `code` and `problem` say why recording is paused, `problem` as the end of a
    sentence that begins with the name of the source; both are empty if it is not.
    """

    state: str
    frames: int
    bytes: int
    lost_frames: int
    code: str = ""
    problem: str = ""


@dataclass(frozen=True)
class FileFinished:
    """A file is complete. `max_amp` is its peak, as a fraction of full scale; `sections` is `Loudness.text`."""

    file: str
    bytes: int
    max_amp: float | None = None
    sections: str = ""


@dataclass(frozen=True)
class Lost:
    """Audio from `start_s` (seconds since 1970, UTC) on, for `seconds`, is missing in the recordings."""

    start_s: float
    seconds: float
    reason: str


@dataclass(frozen=True)
class Repaired:
    """`file` was made of what a crash had left, `seconds` long. `max_amp` and `sections` as in `FileFinished`."""

    file: str
    bytes: int
    seconds: float
    max_amp: float | None = None
    sections: str = ""


@dataclass(frozen=True)
class KeptAside:
    """What a crash left cannot be used, and is now `file`."""

    file: str
    reason: str


@dataclass(frozen=True)
class Notice:
    """Something for the log: a file was ended early, or an encoder failed."""

    text: str
    is_failure: bool = True


@dataclass(frozen=True)
class RecorderFailed:
    """Why the process is about to exit."""

    message: str


RecorderEvent = RecorderBeat | FileFinished | Lost | Repaired | KeptAside | Notice | RecorderFailed
MESSAGES = HelperMessages[RecorderEvent](RecorderBeat, FileFinished, Lost, Repaired, KeptAside, Notice, RecorderFailed)
