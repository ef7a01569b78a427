"""Verifies a backup: every file is there, is what it was when the backup was made, and no other file is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tidzam.backup import checksums
from tidzam.backup.record import CHECKSUMS, DATABASE, RECORD
from tidzam.progress import Progress, no_progress

DamageKind = Literal["missing", "changed", "unreadable", "unknown", "corrupt"]
_MEANINGS: Final = {
    "missing": "is missing",
    "changed": "has changed since the backup was made",
    "unreadable": "cannot be read",
    "unknown": "is not part of the backup",
    "corrupt": "is not an intact database",
}


@dataclass(frozen=True)
class BackupDamage:
    """What is wrong with a file of a backup. `path` is relative to the backup."""

    path: str
    kind: DamageKind
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.path} {_MEANINGS[self.kind]}{f': {self.reason}' if self.reason else ''}"


def verify_backup(folder: Path, *, progress: Progress = no_progress) -> list[BackupDamage]:
    """All damage to the backup in `folder`; it is complete and intact if there is none. `progress` counts files."""
    try:
        sums = checksums.parse((folder / CHECKSUMS).read_bytes())
    except FileNotFoundError:
        return [BackupDamage(CHECKSUMS, "missing", "the backup is not complete")]
    except (OSError, ValueError) as error:
        return [BackupDamage(CHECKSUMS, "unreadable", str(error))]
    return [
        *([] if RECORD in sums else [BackupDamage(RECORD, "missing", f"it is not in {CHECKSUMS}")]),
        *_damaged(folder, sums, progress),
        *_unknown(folder, sums),
        *_corrupt(folder, sums),
    ]


def _damaged(folder: Path, sums: dict[str, str], progress: Progress) -> Iterator[BackupDamage]:
    for number, (place, expected) in enumerate(sums.items(), start=1):
        try:
            if checksums.checksum(folder / place) != expected:
                yield BackupDamage(place, "changed")
        except (FileNotFoundError, NotADirectoryError):
            yield BackupDamage(place, "missing")
        except (OSError, checksums.UnreadableError) as error:
            yield BackupDamage(place, "unreadable", str(error))
        progress(number, len(sums))


def _unknown(folder: Path, sums: dict[str, str]) -> Iterator[BackupDamage]:
    for path in sorted(folder.rglob("*")):
        place = str(path.relative_to(folder))
        if not path.is_dir() and place != CHECKSUMS and place not in sums:
            yield BackupDamage(place, "unknown")


def _corrupt(folder: Path, sums: dict[str, str]) -> Iterator[BackupDamage]:
    """Damage that was in the store when it was copied."""
    path = folder / DATABASE
    if DATABASE not in sums or not path.is_file():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        yield BackupDamage(DATABASE, "corrupt", found)
