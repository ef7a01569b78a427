"""The folders through which the files of an edge node move."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EdgeFolders:
    """A file is recorded in `temp`, moved to `to_parse` when it is complete, and then to `parsed` or deleted.

    All are on one file system, so that a move is atomic.
    """

    root: Path

    @property
    def temp(self) -> Path:
        """The files that are being recorded, one per source."""
        return self.root / "audio-temp"

    @property
    def to_parse(self) -> Path:
        """The complete files that are not analyzed yet."""
        return self.root / "audio-to-parse"

    @property
    def parsed(self) -> Path:
        """The analyzed files with detections."""
        return self.root / "audio-parsed"

    @property
    def rejected(self) -> Path:
        """The files that cannot be analyzed."""
        return self.root / "audio-rejected"
