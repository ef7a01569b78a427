"""What a direct recorder shows of itself: a small JSON file that is replaced regularly."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from stream_manager.direct.recorder import DirectSourceState


@dataclass(frozen=True)
class RecorderStatus:
    """The sources of a recorder, and how many files it deleted since it started, as the disk was full: `removed`
    maps the name of a folder to a number."""

    pid: int
    sources: Sequence[DirectSourceState]
    removed: dict[str, int]
    free_bytes: int

    @classmethod
    def of(cls, sources: Sequence[DirectSourceState], removed: Mapping[str, int], free_bytes: int) -> Self:
        """The status of this process."""
        return cls(os.getpid(), sources, dict(removed), free_bytes)

    def write(self, path: Path) -> None:
        """Replace the file at `path`: readers see all of it or all of the last one. Raises OSError.

        It is not flushed to disk, which would wear out a memory card; after a power cut it may be empty.
        """
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(json.dumps({"time_s": round(time.time(), 3), **asdict(self)}) + "\n", encoding="utf-8")
        fresh.replace(path)
