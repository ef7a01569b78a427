"""What a direct recorder last wrote about its state: a small JSON file, for `tidzam status` and others."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

RECORDER_STATUS_FILE: Final = "recorder.json"
"""The file of an edge node, in its home."""


@dataclass(frozen=True)
class RecordedSourceStatus:
    """What became of a source so far.

    `state` is `recording`, `waiting` for its first audio, `away`, `paused` or `ended`. `seconds` were recorded and
    `lost_s` are missing in files; `outages` counts how often the source went away, and `outage_s` for how long
    altogether. `problem` is why nothing is recorded, None if something is. `waiting` is why complete files
    wait to be moved to where they belong, None if none does.
    """

    name: str
    state: str
    seconds: float = 0.0
    bytes: int = 0
    lost_s: float = 0.0
    outages: int = 0
    outage_s: float = 0.0
    problem: str | None = None
    waiting: str | None = None


@dataclass(frozen=True, kw_only=True)
class RecorderStatus:
    """The sources of a recorder at a time (seconds since 1970), and how many files it deleted since it started, as the
    disk was full: `removed` maps the name of a folder to a number."""

    time_s: float = field(default_factory=time.time)
    pid: int = field(default_factory=os.getpid)
    sources: tuple[RecordedSourceStatus, ...] = ()
    removed: Mapping[str, int] = field(default_factory=dict)
    free_bytes: int = 0

    def write(self, path: Path) -> None:
        """Replace the file at `path`: readers see all of it or all of the last one. Raises OSError.

        It is not flushed to disk, which would wear out a memory card; after a power cut it may be empty.
        """
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(f"{json.dumps(asdict(self))}\n", encoding="utf-8")
        fresh.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What the file at `path` says; None if there is none, or it is not valid."""
        try:
            values: dict[str, Any] = json.loads(path.read_bytes())
            sources = tuple(RecordedSourceStatus(**one) for one in values.pop("sources"))
            return cls(**values, sources=sources)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
