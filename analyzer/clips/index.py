"""The clips in a folder, known without reading it again: only folders that others changed are listed again."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.clips.budget import StoredClip
from analyzer.clips.clip_file import SUFFIXES
from tidzam.keep_marks import KEEP, is_kept
from tidzam.naming import parse_clip_name

_DEPTH: Final = 2
_STEP_NS: Final = 2_000_000_000
"""The steps in which a file system records times, at most."""


@dataclass
class _Listing:
    """What a folder holds. The class of its clips is its name. `changed_ns` is when its list of files changed, and
    `seen_ns` when that was looked at, by the system clock."""

    label: str
    changed_ns: int
    seen_ns: int
    clips: dict[str, StoredClip]
    subfolders: tuple[str, ...]


class ClipIndex:
    """The clips of a folder. Class folders lie in it, or one level deeper by the `dst` of a rule.

    `refresh` looks at the time of change of each folder, and lists those that changed; `listed` counts these. Raises
    OSError if a folder cannot be read; one that does not exist is empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listings: dict[str, _Listing] = {}
        self.listed = 0
        self.refresh()

    @property
    def counts(self) -> Counter[str]:
        """The number of clips in each class."""
        counts: Counter[str] = Counter()
        for listing in self._listings.values():
            if listing.clips:
                counts[listing.label] += len(listing.clips)
        return counts

    @property
    def size(self) -> int:
        """The size of all clips in bytes."""
        return sum(clip.size for listing in self._listings.values() for clip in listing.clips.values())

    @property
    def clips(self) -> list[StoredClip]:
        """All clips."""
        return [clip for listing in self._listings.values() for clip in listing.clips.values()]

    @property
    def folders(self) -> list[Path]:
        """The folder, and those in it that may hold clips."""
        return [self._folder / name for name in self._listings]

    def refresh(self, *, thorough: bool = False) -> None:
        """Take note of what others added, marked or deleted.

        If `thorough`, also just before or after the last look: file systems record times in steps.
        """
        present: set[str] = set()
        self._refresh("", present, thorough=thorough)
        for name in self._listings.keys() - present:
            del self._listings[name]

    def _refresh(self, name: str, present: set[str], *, thorough: bool) -> None:
        try:
            changed_ns = (self._folder / name).stat().st_mtime_ns
            listing = self._listings.get(name)
            is_sure = listing is not None and listing.seen_ns - changed_ns > _STEP_NS
            if listing is None or listing.changed_ns != changed_ns or (thorough and not is_sure):
                listing = self._list(name, changed_ns)
        except (FileNotFoundError, NotADirectoryError):
            return
        self._listings[name] = listing
        present.add(name)
        if name.count("/") < _DEPTH - 1:
            for inner in listing.subfolders:
                self._refresh(f"{name}/{inner}" if name else inner, present, thorough=thorough)

    def _list(self, name: str, changed_ns: int) -> _Listing:
        self.listed += 1
        known = self._listings[name].clips if name in self._listings else {}
        seen_ns = time.time_ns()
        with os.scandir(self._folder / name) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
        names = {entry.name for entry in visible}
        folders = tuple(entry.name for entry in visible if entry.is_dir(follow_symlinks=False))
        audio = [entry.name for entry in visible if name and Path(entry.name).suffix in SUFFIXES]
        clips: dict[str, StoredClip] = {}
        for file in audio:
            with suppress(FileNotFoundError):  # it was deleted meanwhile
                clips[file] = self._clip(f"{name}/{file}", known.get(file), is_marked=f"{file}{KEEP}" in names)
        return _Listing(name.rpartition("/")[2], changed_ns, seen_ns, clips, folders)

    def _clip(self, path: str, known: StoredClip | None = None, *, is_marked: bool = False) -> StoredClip:
        """A clip and its size, with that of its picture. One that is `known` is not looked at again."""
        if known is not None and known.is_protected == is_marked:
            return known
        file = self._folder / path
        status, size = file.stat(), 0
        with suppress(FileNotFoundError):  # there is no picture
            size = file.with_suffix(".png").stat().st_size
        return StoredClip(
            path, file.parent.name, status.st_size + size, status.st_mtime, is_marked or not _is_own(path)
        )

    def add(self, path: str) -> None:
        """Take note of a clip that was just written, without listing its folder."""
        parent, _, file = path.rpartition("/")
        listing = self._listings.get(parent)
        if listing is None:
            self.refresh()
            return
        listing.clips[file] = self._clip(path)
        self._changed_here(listing, self._folder / parent)

    def delete(self, clip: StoredClip) -> None:
        """Delete a clip and its picture, unless it was marked meanwhile. Raises OSError."""
        path = self._folder / clip.path
        if clip.is_protected or is_kept(path):
            return
        path.unlink(missing_ok=True)
        path.with_suffix(".png").unlink(missing_ok=True)
        parent, _, file = clip.path.rpartition("/")
        if (listing := self._listings.get(parent)) is not None:
            listing.clips.pop(file, None)
            self._changed_here(listing, path.parent)

    def _changed_here(self, listing: _Listing, folder: Path) -> None:
        """Take note that this program changed a folder, so that it need not be listed."""
        listing.seen_ns = time.time_ns()
        listing.changed_ns = folder.stat().st_mtime_ns


def _is_own(path: str) -> bool:
    """Whether the analyzer wrote a clip, by its name."""
    name = parse_clip_name(Path(path))
    return name is not None and name.channel is not None
