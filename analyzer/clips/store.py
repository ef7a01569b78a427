"""The folder of clips: writes clips within the budget, and counts them."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from analyzer.clips.budget import Limit, StoredClip, decide, fits
from analyzer.clips.clip_file import ClipTags, require_pictures, write_clip, write_picture
from analyzer.clips.index import ClipIndex
from tidzam.clocks import Clock, system_clock
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import TidzamError
from tidzam.file_ages import FileAges
from tidzam.output_hints import hint_for
from tidzam.temporaries import remove_leftovers
from tidzam.text import plural
from tidzam.types import Float32

log = logging.getLogger(__name__)

AGES: Final = Path(".ages", "clips.json")
"""The file with the ages of clips, in a folder of its own below that of the clips."""
_BYTES_PER_SAMPLE: Final = 2
_LOOK_S: Final = 60.0
"""Seconds between two looks for clips that are too old, and for room after there was none."""


@dataclass(frozen=True)
class CutClip:
    """A clip with its audio (frames,). `path` is relative to the folder, with suffix."""

    path: str
    label: str
    samples: Float32
    rate_hz: int
    tags: ClipTags


class ClipStore:
    """The clips in a folder. Several threads may use it; all methods block. Raises SetupError for pictures without
    Matplotlib, TidzamError (`output`) if the folder cannot be read."""

    def __init__(self, settings: ClipSinkSettings, *, clock: Clock = system_clock) -> None:
        self._settings, self._folder, self._clock = settings, settings.folder, clock
        self._ages = FileAges(self._folder / AGES, clock=clock)
        self._next_look_s = clock().elapsed_s
        self._over: Limit | None = None
        self._lock = threading.Lock()
        if settings.picture:
            require_pictures()
        try:
            self._index = ClipIndex(self._folder)
        except OSError as error:
            raise self._error(f"The clips in {self._folder} cannot be read", error) from None
        for folder in self._index.folders:
            remove_leftovers(folder)

    @classmethod
    def shared(cls, settings: ClipSinkSettings) -> ClipStore:
        """The store of these settings in this process, up to date: each file of an archive opens it, and a folder may
        hold many clips."""
        key = settings.folder.absolute(), settings.model_dump_json()
        with _sharing:
            store = _shared.get(key)
            if store is None:
                store = _shared[key] = cls(settings)
                return store
        store.refresh()
        return store

    def refresh(self) -> None:
        """Take note of what others added, marked or deleted. Raises TidzamError (`output`)."""
        try:
            with self._lock:
                self._index.refresh(thorough=True)
        except OSError as error:
            raise self._error(f"The clips in {self._folder} cannot be read", error) from None

    @property
    def counts(self) -> Mapping[str, int]:
        """Clips in each class folder."""
        with self._lock:
            return self._index.counts

    def write(self, clips: Sequence[CutClip]) -> list[Path]:
        """Write clips, after deleting others by the budget; returns the paths.

        Raises TidzamError (`output`) if there is no room, or if some cannot be written, after writing the others.
        """
        written, failures = list[Path](), list[OSError]()
        if not clips:
            return written
        with self._lock:
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
        budget, now = self._settings.budget, self._clock()
        if not budget.is_limited:
            return
        time_s = now.utc.timestamp()
        new = [StoredClip(clip.path, clip.label, _BYTES_PER_SAMPLE * len(clip.samples), time_s) for clip in clips]
        free = shutil.disk_usage(self._folder).free
        room = fits(budget, size=self._index.size, counts=self._index.counts, new=new, free_bytes=free)
        if now.elapsed_s < self._next_look_s:
            if room:
                return
            if self._over is not None:
                raise self._no_room(self._over)
        self._next_look_s = now.elapsed_s + _LOOK_S
        decision = decide(self._with_ages(), budget, new=new, free_bytes=free)
        for clip in decision.delete:
            self._index.delete(clip)
        if decision.delete:
            log.info("deleted %s by the budget of %s", plural(len(decision.delete), "clip"), self._folder)
        self._over = decision.over
        if self._over is not None:
            raise self._no_room(self._over)

    def _with_ages(self) -> list[StoredClip]:
        """All clips. The system clock alone could make them any age."""
        clips = self._index.clips
        ages_s = self._ages.see({clip.path: datetime.fromtimestamp(clip.time_s, UTC) for clip in clips})
        return [replace(clip, age_s=ages_s[clip.path]) for clip in clips]

    def _no_room(self, over: Limit) -> TidzamError:
        budget = self._settings.budget
        limit = (
            f"they may take {budget.gigabytes:g} GB, and no more of them may be deleted"
            if over == "size"
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
        try:
            if self._settings.picture:
                write_picture(path.with_suffix(".png"), clip.samples)
        finally:
            self._index.add(clip.path)  # it is kept, also without its picture
        return path

    def _error(self, what: str, error: OSError) -> TidzamError:
        return TidzamError(f"{what}: {error.strerror}.", hint=hint_for(error, self._folder), code="output")


_shared: dict[tuple[Path, str], ClipStore] = {}
_sharing = threading.Lock()
