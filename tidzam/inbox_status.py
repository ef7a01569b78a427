"""What the inference of an edge node last wrote about its state: a small file in the home, for `tidzam status`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

from tidzam.temporaries import temporary_file

STATUS_FILE: Final = "inference.json"

InboxState = Literal["loading", "waiting", "analyzing", "stopped"]


@dataclass(frozen=True, kw_only=True)
class InboxSinkStatus:
    """A sink: the files whose detections it has not taken yet, and why it fails at present."""

    waiting: int = 0
    errors: int = 0
    fault: str | None = None


@dataclass(frozen=True, kw_only=True)
class InboxStatus:
    """The state of the inference at a time (`updated`, ISO 8601 in UTC).

    `waiting` files are to be analyzed, of which the oldest is named `oldest` and began at `oldest_start`, if its name
    says when. `current` is the file being analyzed. Since the journal was begun, `analyzed` files were, of which those
    `with_detections` had `detections` altogether, and `rejected` could not be analyzed. `last` is the last file, which
    took `last_s` seconds for `last_audio_s` seconds of audio. `fault` is why nothing can be analyzed at present.
    """

    updated: str
    pid: int
    state: InboxState
    waiting: int = 0
    oldest: str | None = None
    oldest_start: str | None = None
    current: str | None = None
    analyzed: int = 0
    with_detections: int = 0
    detections: int = 0
    rejected: int = 0
    audio_s: float = 0.0
    last: str | None = None
    last_s: float = 0.0
    last_audio_s: float = 0.0
    fault: str | None = None
    sinks: Mapping[str, InboxSinkStatus] = field(default_factory=dict)

    def write(self, home: Path) -> None:
        """Replace the file in a home, without waiting for the disk: it is out of date soon. Raises OSError."""
        with temporary_file(home) as (fresh, file):
            file.write(json.dumps(asdict(self)).encode() + b"\n")
            file.flush()
            fresh.replace(home / STATUS_FILE)

    @classmethod
    def read(cls, home: Path) -> Self | None:
        """What the file in a home says; None if there is none, or it is not valid."""
        try:
            values: dict[str, Any] = json.loads((home / STATUS_FILE).read_bytes())
            sinks = {str(name): InboxSinkStatus(**one) for name, one in values.pop("sinks").items()}
            return cls(**values, sinks=sinks)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
