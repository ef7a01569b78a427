"""What a backup says about itself: the file `backup.json` in its folder, and the names of what else is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tidzam.errors import BackupError

RECORD: Final = "backup.json"
CHECKSUMS: Final = "SHA256SUMS"
INSTRUCTIONS: Final = "README.txt"
HOME: Final = "home"
"""The folder with the files of the home."""
OUTSIDE: Final = "outside"
"""The folder with the folders that the settings name outside the home."""
DATABASE: Final = "database/tidzam.sqlite3"
"""The copy of the store."""
VERSION: Final = 1


@dataclass(frozen=True)
class UnreadableFile:
    """A file that could not be read and is therefore not in the backup."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class BackupRecord:
    """A backup. `home` is the path of the home that it was made of.

    `store` is the kind of database, None if there was no store, and `store_version` the version of its schema.
    `new_bytes` is how much of `bytes` is not shared with the backup before. `outside` says where each of the folders
    came from. `left_out` names the settings whose credentials are not in the backup; None if it has all credentials.
    """

    name: str
    created: datetime
    node: str
    home: str
    program: str
    store: str | None
    store_version: str | None
    files: int
    bytes: int
    new_bytes: int
    seconds: float
    outside: Mapping[str, str]
    left_out: tuple[str, ...] | None
    unreadable: tuple[UnreadableFile, ...]

    def as_json(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {"version": VERSION, **asdict(self), "created": self.created.isoformat()}

    def text(self) -> str:
        """The content of `backup.json`."""
        return json.dumps(self.as_json(), indent=1) + "\n"


def new_name(now: datetime) -> str:
    """The name of a backup of this time, in UTC.

    >>> new_name(datetime(2026, 5, 1, 12, 30, 9, tzinfo=UTC))
    '2026-05-01T12-30-09Z'
    """
    return f"{now.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}"


def read_record(folder: Path) -> BackupRecord:
    """The record of the backup in `folder`. Raises BackupError (`backup_missing`, `backup_damaged`)."""
    path = folder / RECORD
    try:
        values = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise BackupError(
            f"{folder} is not a backup: it has no file {RECORD}.",
            hint="`tidzam backup list` shows the backups in a folder.",
            code="backup_missing",
        ) from None
    except (OSError, ValueError) as error:
        raise damaged(path, str(error)) from None
    try:
        if values.pop("version") != VERSION:
            raise ValueError(f"its version is not {VERSION}")
        unreadable = tuple(UnreadableFile(**one) for one in values.pop("unreadable"))
        left_out = values.pop("left_out")
        created = datetime.fromisoformat(values.pop("created"))
        left_out = None if left_out is None else tuple(left_out)
        return BackupRecord(created=created, unreadable=unreadable, left_out=left_out, **values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(path, str(error)) from None


def damaged(path: Path, reason: str) -> BackupError:
    """The error of a file in a backup that is not what it was when the backup was made."""
    return BackupError(
        f"{path} is damaged: {reason}.",
        hint="`tidzam backup verify` says what else is damaged. Use another backup.",
        code="backup_damaged",
    )
