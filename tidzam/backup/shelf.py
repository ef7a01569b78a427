"""A folder of backups: which ones are complete, which is the newest, and which are deleted."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tidzam.backup.record import RECORD, BackupRecord, read_record
from tidzam.errors import BackupError
from tidzam.progress import Say

PARTIAL: Final = ".partial"
"""The end of the name of a backup while it is made. It is removed from the name when the backup is complete."""
DELETED: Final = ".deleted"
"""The end of the name of a backup while it is deleted."""
_LOCK: Final = ".lock"


@dataclass(frozen=True)
class BackupShelf:
    """The backups in the folder `path`."""

    path: Path

    def backups(self) -> list[BackupRecord]:
        """The complete backups, the oldest first. Raises BackupError (`backup_damaged`) and OSError."""
        return _by_age(read_record(folder) for folder in self._folders() if _is_complete(folder))

    def readable(self, say: Say) -> list[BackupRecord]:
        """As `backups`, without those whose record is damaged: `say` is called with their faults."""
        found: list[BackupRecord] = []
        for folder in filter(_is_complete, self._folders()):
            try:
                found.append(read_record(folder))
            except BackupError as error:
                say(str(error))
        return _by_age(found)

    def unfinished(self) -> list[Path]:
        """What a backup that was killed has left behind, or one that is being made now."""
        return [folder for folder in self._folders() if folder.name.endswith((PARTIAL, DELETED))]

    def _folders(self) -> list[Path]:
        try:
            return sorted(path for path in self.path.iterdir() if path.is_dir() and not path.name.startswith("."))
        except FileNotFoundError:
            return []

    def latest(self) -> Path:
        """The folder of the newest backup. Raises BackupError (`backup_missing`)."""
        if not (found := self.backups()):
            raise BackupError(
                f"There is no backup in {self.path}.",
                hint="Make one with `tidzam backup create`.",
                code="backup_missing",
            )
        return self.path / found[-1].name

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude other backups into this folder, which is made if needed. Raises BackupError (`backup_busy`)."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(
                    f"Another backup is being written into {self.path}.", hint="Wait for it.", code="backup_busy"
                ) from None
            yield

    def clean(self, say: Say) -> None:
        """Delete what killed backups have left behind. The folder must be locked."""
        for folder in self.unfinished():
            say(f"deleting {folder}, which was not completed")
            _delete(folder)

    def keep(self, number: int, *, home: str, node: str, say: Say) -> Sequence[str]:
        """Delete all but the newest backups of a home, and return their names. The folder must be locked.

        Those whose record is damaged stay.
        """
        readable = self.readable(lambda _: None)  # `create_backup` has shown the faults
        mine = [record.name for record in readable if (record.home, record.node) == (home, node)]
        surplus = mine[:-number]
        for name in surplus:
            say(f"deleting {self.path / name}")
            away = self.path / f"{name}{DELETED}"
            (self.path / name).rename(away)  # one that is half deleted must not look complete
            _delete(away)
        return surplus


def _by_age(records: Iterable[BackupRecord]) -> list[BackupRecord]:
    return sorted(records, key=lambda record: (record.created, record.name))


def _is_complete(folder: Path) -> bool:
    return not folder.name.endswith((PARTIAL, DELETED)) and (folder / RECORD).is_file()


def _delete(folder: Path) -> None:
    shutil.rmtree(folder)


def chosen_backup(path: Path, name: str | None) -> Path:
    """The folder of a backup: the one called `name` in `path`, or `path` itself if it is one, or else the newest
    complete one in it. Raises BackupError (`backup_missing`).
    """
    if name is not None:
        if not (path / name).is_dir():
            raise BackupError(
                f"There is no backup {name} in {path}.",
                hint="`tidzam backup list` shows those that are there.",
                code="backup_missing",
            )
        return path / name
    is_one = (path / RECORD).is_file() or path.name.endswith(PARTIAL)
    return path if is_one else BackupShelf(path).latest()
