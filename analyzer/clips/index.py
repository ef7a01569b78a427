"""The clips in a folder, known without reading it again: only folders that others changed are listed again."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analyzer.clips.budget import StoredClip
from analyzer.clips.clip_file import SUFFIXES
from tidzam.naming import parse_clip_name

KEEP: Final = ".keep"
"""Beside a clip, `CLIP.keep` marks it: it is never deleted."""
_DEPTH: Final = 2


@dataclass
class _Listing:
    """What a folder holds, and when its list of files changed, in ns. The class of its clips is its name."""

    label: str
    changed_ns: int
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

    def refresh(self) -> None:
        """Take note of what others added, marked or deleted."""
        present: set[str] = set()
        self._refresh("", present)
        for name in self._listings.keys() - present:
            del self._listings[name]

    def _refresh(self, name: str, present: set[str]) -> None:
        try:
            changed_ns = (self._folder / name).stat().st_mtime_ns
            listing = self._listings.get(name)
            if listing is None or listing.changed_ns != changed_ns:
                listing = self._list(name, changed_ns)
        except (FileNotFoundError, NotADirectoryError):
            return
        self._listings[name] = listing
        present.add(name)
        if name.count("/") < _DEPTH - 1:
            for inner in listing.subfolders:
                self._refresh(f"{name}/{inner}" if name else inner, present)

    def _list(self, name: str, changed_ns: int) -> _Listing:
        self.listed += 1
        with os.scandir(self._folder / name) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
        names = {entry.name for entry in visible}
        folders = tuple(entry.name for entry in visible if entry.is_dir(follow_symlinks=False))
        audio = [entry.name for entry in visible if name and Path(entry.name).suffix in SUFFIXES]
        clips: dict[str, StoredClip] = {}
        for file in audio:
            with suppress(FileNotFoundError):  # it was deleted meanwhile
                clips[file] = self._clip(f"{name}/{file}", is_marked=f"{file}{KEEP}" in names)
        return _Listing(name.rpartition("/")[2], changed_ns, clips, folders)

    def _clip(self, path: str, *, is_marked: bool) -> StoredClip:
        """A clip and its size, with that of its picture."""
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
        listing.clips[file] = self._clip(path, is_marked=False)
        listing.changed_ns = (self._folder / parent).stat().st_mtime_ns

    def delete(self, clip: StoredClip) -> None:
        """Delete a clip and its picture, unless it was marked meanwhile. Raises OSError."""
        path = self._folder / clip.path
        if clip.is_protected or path.with_name(f"{path.name}{KEEP}").exists():
            return
        path.unlink(missing_ok=True)
        path.with_suffix(".png").unlink(missing_ok=True)
        parent, _, file = clip.path.rpartition("/")
        if (listing := self._listings.get(parent)) is not None:
            listing.clips.pop(file, None)
            listing.changed_ns = path.parent.stat().st_mtime_ns


def _is_own(path: str) -> bool:
    """Whether the analyzer wrote a clip, by its name."""
    name = parse_clip_name(Path(path))
    return name is not None and name.channel is not None
