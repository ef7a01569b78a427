"""Files are copied into a new backup, or shared with the backup before if they have not changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from tidzam.backup.checksums import UnreadableError, checksum, copied, read_piece
from tidzam.backup.record import UnreadableFile
from tidzam.backup.selection import FoundFile
from tidzam.store.copies import copy_sqlite

_SQLITE: Final = b"SQLite format 3\0"


@dataclass(frozen=True)
class PreviousBackup:
    """The backup whose unchanged files are shared: its folder, and its checksums."""

    folder: Path
    sums: Mapping[str, str]

    def unchanged(self, place: str, status: os.stat_result) -> bool:
        """Whether its file at `place` has the size and the time of change of a file of the node."""
        if place not in self.sums:
            return False
        try:
            known = (self.folder / place).stat()
        except OSError:
            return False
        return (known.st_size, known.st_mtime_ns) == (status.st_size, status.st_mtime_ns)


@dataclass
class BackupWriter:
    """Writes files into the folder of a new backup, and notes their checksums."""

    folder: Path
    previous: PreviousBackup | None = None
    sums: dict[str, str] = field(default_factory=dict)
    size: int = 0
    new_size: int = 0
    unreadable: list[UnreadableFile] = field(default_factory=list)

    def add(self, found: FoundFile, place: str) -> None:
        """Add a file of the node at `place`. One that was deleted meanwhile is left out; one that cannot be read is
        noted. Raises OSError if the backup cannot be written."""
        if self.previous is not None and self.previous.unchanged(place, found.status) and self._share(place):
            self._note(place, self.previous.sums[place], is_new=False)
            return
        try:
            source = found.path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            self.note_unreadable(found.path, error.strerror or str(error))
            return
        target = self.path_for(place)
        try:
            with source:
                digest = self._copy(source, found, target)
        except UnreadableError as error:
            target.unlink(missing_ok=True)
            self.note_unreadable(found.path, str(error))
        else:
            self._note(place, digest, is_new=True)

    def _copy(self, source: BinaryIO, found: FoundFile, target: Path) -> str:
        is_database = read_piece(source, len(_SQLITE)) == _SQLITE
        if is_database and self._add_database(found.path, target):
            digest = checksum(target)
        else:
            source.seek(0)
            with target.open("wb") as file:
                digest = copied(source, file)
            os.utime(target, ns=(found.status.st_atime_ns, found.status.st_mtime_ns))
        target.chmod(found.status.st_mode & 0o777)
        return digest

    def note_unreadable(self, path: Path, reason: str) -> None:
        """Note that something of the node cannot be read, and is therefore missing."""
        self.unreadable.append(UnreadableFile(str(path), reason))

    def _add_database(self, path: Path, target: Path) -> bool:
        """Copy an SQLite file that other programs may write. Returns False if SQLite cannot read it."""
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as source:
                source.isolation_level = None
                copy_sqlite(source, target)
        except sqlite3.Error:
            target.unlink(missing_ok=True)
            return False
        return True

    def _share(self, place: str) -> bool:
        """Link a file of the previous backup. Returns False where the file system has no links."""
        assert self.previous is not None
        with suppress(OSError):
            os.link(self.previous.folder / place, self.path_for(place))
            return True
        return False

    def add_content(self, content: bytes, place: str) -> None:
        """Add a file with this content, readable by its owner only. Raises OSError."""
        target = self.path_for(place)
        target.write_bytes(content)
        target.chmod(0o600)
        self._note(place, checksum(target), is_new=True)

    def note_written(self, place: str) -> None:
        """Note a file that the caller has written at `place`."""
        self._note(place, checksum(self.folder / place), is_new=True)

    def path_for(self, place: str) -> Path:
        """The path of a new file, whose folder is made."""
        target = self.folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _note(self, place: str, digest: str, *, is_new: bool) -> None:
        size = (self.folder / place).stat().st_size
        self.sums[place] = digest
        self.size += size
        self.new_size += size if is_new else 0


def require_space(folder: Path, needed: int) -> int:
    """The bytes that are missing on the disk of `folder` for `needed` more; 0 if there is enough space."""
    return max(0, needed - shutil.disk_usage(folder).free)
