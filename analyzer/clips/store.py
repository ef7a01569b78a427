"""The folder of clips: writes clips within the budget, and counts them."""

from __future__ import annotations

import logging
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzer.clips.budget import BudgetDecision, StoredClip, decide
from analyzer.clips.clip_file import ClipTags, require_pictures, write_clip, write_picture
from analyzer.clips.index import ClipIndex
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import TidzamError
from tidzam.text import plural
from tidzam.types import Float32

log = logging.getLogger(__name__)

_BYTES_PER_SAMPLE = 2


@dataclass(frozen=True)
class CutClip:
    """A clip with its audio (frames,). `path` is relative to the folder, with suffix."""

    path: str
    label: str
    samples: Float32
    rate_hz: int
    tags: ClipTags


class ClipStore:
    """Not thread-safe; all methods block. Raises SetupError for pictures without Matplotlib, TidzamError (`output`) if
    the folder cannot be read."""

    def __init__(self, settings: ClipSinkSettings) -> None:
        self._settings, self._folder = settings, settings.folder
        if settings.picture:
            require_pictures()
        try:
            self._index = ClipIndex(self._folder)
        except OSError as error:
            raise self._error(f"The clips in {self._folder} cannot be read", error) from None

    @property
    def counts(self) -> Mapping[str, int]:
        """Clips in each class folder."""
        return Counter(self._index.counts)

    def write(self, clips: Sequence[CutClip]) -> list[Path]:
        """Write clips, after deleting others by the budget; returns the paths.

        Raises TidzamError (`output`) if there is no room, or if some cannot be written, after writing the others.
        """
        written, failures = list[Path](), list[OSError]()
        if not clips:
            return written
        try:
            self._make_room(clips)
        except OSError as error:
            raise self._error(f"{plural(len(clips), 'clip')} cannot be written to {self._folder}", error) from None
        for clip in clips:
            try:
                written.append(self._write(clip))
            except OSError as error:
                failures.append(error)
        if failures:
            raise self._error(f"{plural(len(failures), 'clip')} cannot be written to {self._folder}", failures[0])
        return written

    def _make_room(self, clips: Sequence[CutClip]) -> None:
        self._index.refresh()
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._settings.budget.is_limited:
            return
        now_s = time.time()
        new = [StoredClip(clip.path, clip.label, _BYTES_PER_SAMPLE * len(clip.samples), now_s) for clip in clips]
        free = shutil.disk_usage(self._folder).free
        decision = decide(self._index.clips, self._settings.budget, new=new, now_s=now_s, free_bytes=free)
        for clip in decision.delete:
            self._index.delete(clip)
        if decision.delete:
            log.info("deleted %s by the budget of %s", plural(len(decision.delete), "clip"), self._folder)
        if decision.over is not None:
            raise self._no_room(decision)

    def _no_room(self, decision: BudgetDecision) -> TidzamError:
        budget = self._settings.budget
        limit = (
            f"they may take {budget.gigabytes:g} GB, and no more of them may be deleted"
            if decision.over == "size"
            else f"{budget.free_gigabytes:g} GB must stay free on the disk"
        )
        return TidzamError(
            f"No clip is written to {self._folder}: {limit}.",
            hint="Free some room, or change the budget of the clips.",
            code="output",
        )

    def _write(self, clip: CutClip) -> Path:
        path = self._folder / clip.path
        write_clip(path, clip.samples, clip.rate_hz, clip.tags)
        if self._settings.picture:
            write_picture(path.with_suffix(".png"), clip.samples)
        self._index.add(clip.path)
        return path

    def _error(self, what: str, error: OSError) -> TidzamError:
        return TidzamError(f"{what}: {error.strerror}.", hint="Free some room or name another folder.", code="output")
