"""What the journal of the inference holds."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.results import Detection


@dataclass(frozen=True)
class InboxEntry:
    """A file that was analyzed, and is not yet where it belongs.

    `rows` are to be appended to the CSV file of `day`. The file then goes to `target`, below the folder of the node's
    files; if that is empty, it is deleted.
    """

    name: str
    stamp: tuple[int, int]
    day: str
    rows: bytes
    target: str


@dataclass(frozen=True)
class CsvState:
    """What was committed of a day's CSV file: the `number` of the file, its length in bytes, and a digest of its end.

    The first file of a day has the number 1; another one is begun if somebody changed it.
    """

    number: int = 1
    length: int = 0
    digest: str = ""


@dataclass(frozen=True)
class InboxCounts:
    """What was done since the journal was begun."""

    analyzed: int = 0
    with_detections: int = 0
    detections: int = 0
    rejected: int = 0
    audio_s: float = 0.0


@dataclass(frozen=True)
class WantedDetections:
    """The detections of a file, as a sink receives them. `number` counts the files."""

    number: int
    found: tuple[Detection, ...]
