"""What live listening passes on."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.results import Analysis, WindowBatch


@dataclass(frozen=True)
class Hop:
    """All channels' windows of one moment, and what was heard in them."""

    batch: WindowBatch
    analyses: tuple[Analysis, ...]
