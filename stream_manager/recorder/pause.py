"""Why a recording is paused, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pause:
    """Why nothing is recorded from the frame `since` on, and when that is tried again (monotonic clock)."""

    code: str
    problem: str
    since: int
    until_s: float
    broken: tuple[Path, ...] = ()
    """Parts to be repaired afterwards."""
