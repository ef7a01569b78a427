"""Makes a backup: the files of a home, the folders that its settings name elsewhere, and a copy of its store."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from tidzam import __version__
from tidzam.backup import checksums
from tidzam.backup.credentials import without_address_credentials, without_credentials
from tidzam.backup.instructions import instructions
from tidzam.backup.record import (
    CHECKSUMS,
    DATABASE,
    HOME,
    INSTRUCTIONS,
    OUTSIDE,
    RECORD,
    BackupRecord,
    new_name,
)
from tidzam.backup.selection import CLIENT_SOURCES, PROFILE, FoundFile, files_below, home_files, outside_folders
from tidzam.backup.shelf import PARTIAL, BackupShelf
from tidzam.backup.writing import BackupWriter, PreviousBackup, require_space
from tidzam.config import Settings
from tidzam.errors import BackupError, SetupError
from tidzam.paths import SPOOL
from tidzam.progress import Progress, Say, no_progress
from tidzam.store.copies import StoreCopy, save_copy
from tidzam.store.engine import address_of
from tidzam.text import plural

_SPARE_BYTES: Final = 50_000_000
"""What is left free on the disk of a backup."""
_REWRITTEN: Final = frozenset({PROFILE, CLIENT_SOURCES})
"""Files of a home that are written without their credentials."""


@dataclass(frozen=True, kw_only=True)
class BackupSource:
    """A node to back up: its home, and the settings of its last start."""

    home: Path
    settings: Settings

    @property
    def node(self) -> str:
        return self.settings.node.known_as


def create_backup(
    source: BackupSource,
    shelf: BackupShelf,
    *,
    keep: int | None = None,
    full: bool = False,
    credentials: bool = False,
    progress: Progress = no_progress,
    say: Say = lambda _: None,
) -> BackupRecord:
    """Make a backup in a folder of backups, and delete all but the newest `keep` afterwards. The node may be running.

    Files that have not changed since the backup before are shared with it, unless it is to be `full`. `progress` counts
    files. Raises BackupError, StoreError, SetupError and ConfigError; then there is no new backup.
    """
    with shelf.locked():
        shelf.clean(say)
        readable = shelf.readable(say)
        previous = None if full else _previous(source, shelf, readable)
        name = _free_name(shelf)
        folder = shelf.path / f"{name}{PARTIAL}"
        try:
            folder.mkdir(mode=0o700)
            record = _write(source, BackupWriter(folder, previous), name, credentials, progress, say)
            os.sync()
            folder.rename(shelf.path / name)
            os.sync()
        except (OSError, sqlite3.Error) as error:
            raise BackupError(
                f"The backup cannot be written to {folder}: {getattr(error, 'strerror', None) or error}.",
                hint="Correct that, or choose another folder.",
                code="backup_failed",
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # it is there only if something failed
        if keep is not None:
            shelf.keep(keep, home=str(source.home), node=source.node, say=say)
    return record


def _previous(source: BackupSource, shelf: BackupShelf, records: Sequence[BackupRecord]) -> PreviousBackup | None:
    """The newest backup of the same home."""
    for record in reversed(records):
        if (record.home, record.node) == (str(source.home), source.node):
            folder = shelf.path / record.name
            try:
                return PreviousBackup(folder, checksums.parse((folder / CHECKSUMS).read_bytes()))
            except (OSError, ValueError):
                return None
    return None


def _free_name(shelf: BackupShelf) -> str:
    """A name by the present time; a second one in the same second gets a number."""
    name = new_name(datetime.now(UTC))
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))
    return next(name for name in names if not (shelf.path / name).exists())


def _write(
    source: BackupSource, writer: BackupWriter, name: str, credentials: bool, progress: Progress, say: Say
) -> BackupRecord:
    began, created = time.monotonic(), datetime.now(UTC)
    outside = outside_folders(source.settings, source.home)
    files = list(_files_of(source, outside, writer, credentials=credentials))
    _require_space(source, writer, files)
    left_out = None if credentials else tuple(_add_without_credentials(source, writer))
    copy = _add_files(source, writer, files, progress, say)
    record = BackupRecord(
        name=name,
        created=created,
        node=source.node,
        home=str(source.home),
        program=__version__,
        store=None if copy is None else copy.kind,
        store_version=None if copy is None else copy.version,
        files=len(writer.sums),
        bytes=writer.size,
        new_bytes=writer.new_size,
        seconds=round(time.monotonic() - began, 1),
        outside={place: str(folder) for place, folder in outside.items()},
        left_out=left_out,
        unreadable=tuple(writer.unreadable),
    )
    writer.add_content(instructions(record).encode(errors="surrogateescape"), INSTRUCTIONS)
    writer.add_content(record.text().encode(), RECORD)
    (writer.folder / CHECKSUMS).write_bytes(checksums.to_text(writer.sums))
    return record


def _files_of(
    source: BackupSource, outside: Mapping[str, Path], writer: BackupWriter, *, credentials: bool
) -> Iterator[tuple[FoundFile, str]]:
    """The files to copy and their places in the backup. The folder of backups itself is left out."""
    without, note = [writer.folder.parent], writer.note_unreadable
    for found in home_files(source.home, without=without, credentials=credentials, on_unreadable=note):
        if credentials or found.name not in _REWRITTEN:
            yield found, f"{HOME}/{found.name}"
    for place, folder in outside.items():
        for found in files_below(folder, without=without, on_unreadable=note):
            yield found, f"{OUTSIDE}/{place}/{found.name}"


def _add_files(
    source: BackupSource,
    writer: BackupWriter,
    files: Sequence[tuple[FoundFile, str]],
    progress: Progress,
    say: Say,
) -> StoreCopy | None:
    """Add what waits in spools, which the store may get at any time; then the store, and then all other files."""
    spooled = sum(place.startswith(f"{HOME}/{SPOOL}/") for _, place in files)
    for found, place in files[:spooled]:
        writer.add(found, place)
    say("copying the store")
    copy = _add_store(source, writer)
    say(f"copying {plural(len(files), 'file')}")
    for number, (found, place) in enumerate(files[spooled:], start=spooled + 1):
        writer.add(found, place)
        progress(number, len(files))
    return copy


def _add_without_credentials(source: BackupSource, writer: BackupWriter) -> Iterator[str]:
    """Add the files of settings without their credentials. Yields the names of the settings that had some."""
    values, left_out = without_credentials(source.settings)
    writer.add_content(_yaml(values), f"{HOME}/{PROFILE}")
    yield from left_out
    path = source.home / CLIENT_SOURCES
    if path.is_file():
        try:
            state, left_out = without_address_credentials(json.loads(path.read_bytes()))
        except ValueError:  # damaged: the stream manager sets it aside
            return
        writer.add_content((json.dumps(state, indent=1) + "\n").encode(), f"{HOME}/{CLIENT_SOURCES}")
        yield from (f"{CLIENT_SOURCES}: {name}" for name in left_out)


def _yaml(values: dict[str, Any]) -> bytes:
    return yaml.safe_dump(values, sort_keys=False).encode()


def _add_store(source: BackupSource, writer: BackupWriter) -> StoreCopy | None:
    path = writer.path_for(DATABASE)
    copy = save_copy(source.settings.store, source.home, path)
    if copy is None:
        path.parent.rmdir()
        return None
    path.chmod(0o600)
    writer.note_written(DATABASE)
    return copy


def _require_space(source: BackupSource, writer: BackupWriter, files: Sequence[tuple[FoundFile, str]]) -> None:
    """Raises SetupError (`disk_full`) if what is to be copied is more than there is space for."""
    previous = writer.previous
    new = sum(
        found.status.st_size
        for found, place in files
        if previous is None or not previous.unchanged(place, found.status)
    )
    database = address_of(source.settings.store, source.home).database
    path = Path(database or "")
    size = path.stat().st_size if source.settings.store.url is None and path.is_file() else 0
    needed = new + size + _SPARE_BYTES
    if missing := require_space(writer.folder, needed):
        raise SetupError(
            f"The disk of {writer.folder.parent} has too little space for the backup: {needed // 1_000_000:,} MB are "
            f"needed, {missing // 1_000_000 + 1:,} MB are missing.",
            hint="Free some space, delete old backups (--keep), or choose another folder.",
            code="disk_full",
        )
