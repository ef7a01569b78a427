"""Restores a backup into an empty home, and its store into an SQLite file there or an empty PostgreSQL database."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml
from sqlalchemy import delete, update

from tidzam.atomic import write_atomically
from tidzam.backup import checksums
from tidzam.backup.record import CHECKSUMS, DATABASE, HOME, OUTSIDE, BackupRecord, damaged, read_record
from tidzam.backup.recording_paths import relocate_recordings
from tidzam.backup.relocation import relocated
from tidzam.backup.selection import CLIENT_SOURCES, PROFILE
from tidzam.config import Settings, load_settings
from tidzam.config.store import StoreSettings
from tidzam.errors import BackupError, NodeError
from tidzam.jobs.states import RESTORED, UNFINISHED, JobState
from tidzam.node.cleanup import node_processes
from tidzam.node.home import Home, disk_full
from tidzam.paths import store_folder
from tidzam.progress import Progress, Say, no_progress
from tidzam.store.copies import load_copy, require_empty
from tidzam.store.database import open_store
from tidzam.store.engine import FILE_NAME
from tidzam.store.tables.accounts import LoginSessionRow
from tidzam.store.tables.jobs import JobRow

WORK: Final = ".restoring"
"""The folder in the new home in which everything is put together first."""
_MAY_BE_THERE: Final = frozenset({WORK, "lock"})
_SPARE_BYTES: Final = 50_000_000


@dataclass(frozen=True)
class Restored:
    """What was restored, and where the folders from outside the home are now."""

    record: BackupRecord
    home: Path
    outside: Mapping[str, Path]


def restore_backup(
    folder: Path,
    home: Home,
    *,
    settings: Settings | None = None,
    original_folders: bool = False,
    progress: Progress = no_progress,
    say: Say = lambda _: None,
) -> Restored:
    """Restore the backup in `folder` into an empty home, which must be locked.

    `settings` decide where the store goes, by default those in the backup. Folders from outside the home are put into
    `outside/` in it, and the profile is changed accordingly; with `original_folders`, they are put where they were,
    which must be empty, too. Every file is verified. Raises BackupError (`home_not_empty`, `backup_damaged`, …),
    StoreError, ConfigError, SetupError and OSError; then the home is still empty.
    """
    record = read_record(folder)
    _require_not_running(home)
    require_empty_folder(home.root, but=_MAY_BE_THERE)
    outside = {name: _place(home.root, name, Path(old), original_folders) for name, old in record.outside.items()}
    work = home.root / WORK
    shutil.rmtree(work, ignore_errors=True)  # of a restoration that was killed
    work.mkdir(parents=True)
    try:
        _require_space(work, record)
        _copy(folder, work, progress)
        places = {record.home: str(home.root), **{old: str(outside[name]) for name, old in record.outside.items()}}
        _relocate(work / HOME / PROFILE, places)
        _relocate_client_sources(work / HOME, record.home, places)
        _restore_store(work, settings, record.node, places, say)
        _put_in_place(work, home.root, outside)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Restored(record, home.root, outside)


def _require_not_running(home: Home) -> None:
    if node_processes(home):
        raise NodeError(
            f"The node of {home.root} is running.", hint="Stop it, or choose another home.", code="already_running"
        )


def require_empty_folder(folder: Path, *, but: frozenset[str] = frozenset()) -> None:
    """Raises BackupError (`home_not_empty`) if there is anything in a folder except what is named in `but`."""
    try:
        found = sorted({path.name for path in folder.iterdir()} - but)
    except FileNotFoundError:
        return
    if found:
        raise BackupError(
            f"{folder} is not empty: it contains {found[0]}.",
            hint="Choose an empty home with --home, or move the contents of this one elsewhere.",
            code="home_not_empty",
        )


def _place(home: Path, name: str, old: Path, original_folders: bool) -> Path:
    """Where a folder from outside the home goes."""
    if not original_folders:
        return home / OUTSIDE / name
    require_empty_folder(old)
    return old


def _require_space(work: Path, record: BackupRecord) -> None:
    missing = record.bytes + _SPARE_BYTES - shutil.disk_usage(work).free
    if missing > 0:
        raise disk_full(work.parent, f"{missing // 1_000_000 + 1:,} MB are missing for the backup")


def _copy(folder: Path, work: Path, progress: Progress) -> None:
    """Copy all files, and verify them."""
    try:
        sums = checksums.parse((folder / CHECKSUMS).read_bytes())
    except (OSError, ValueError) as error:
        raise damaged(folder / CHECKSUMS, str(error)) from None
    for number, (place, expected) in enumerate(sums.items(), start=1):
        if ".." in Path(place).parts:
            raise damaged(folder / CHECKSUMS, f"the path {place} leads out of the backup")
        if place.startswith((f"{HOME}/", f"{OUTSIDE}/")) or place == DATABASE:
            _copy_file(folder / place, work / place, expected)
        progress(number, len(sums))


def _copy_file(source: Path, target: Path, expected: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with source.open("rb") as file, target.open("xb") as copy:
            found = checksums.copied(file, copy)
    except FileNotFoundError:
        raise damaged(source, "it is missing") from None
    except checksums.UnreadableError as error:
        raise damaged(source, str(error)) from error
    if found != expected:
        raise damaged(source, f"its SHA-256 is {found}, expected {expected}")
    shutil.copystat(source, target)


def _relocate(profile: Path, places: Mapping[str, str]) -> None:
    """Let the paths in the restored profile lead to where its files are now."""
    if not profile.is_file():
        return
    values: dict[str, Any] = yaml.safe_load(profile.read_bytes())
    profile.write_text(yaml.safe_dump(relocated(values, places), sort_keys=False), encoding="utf-8")
    profile.chmod(0o600)


def _relocate_client_sources(restored: Path, old_home: str, places: Mapping[str, str]) -> None:
    """Do the same with the sources that clients have loaded. A file that is damaged is left to the stream manager."""
    for path in {restored / CLIENT_SOURCES, *_state_file(restored, old_home, places)}:
        with suppress(OSError, ValueError):
            values = json.loads(path.read_bytes())
            write_atomically(path, json.dumps(relocated(values, places), indent=1) + "\n", mode=0o600)


def _state_file(restored: Path, old_home: str, places: Mapping[str, str]) -> Iterator[Path]:
    """Where the restored profile, which has been relocated, puts the sources of clients instead, if in the home."""
    with suppress(OSError, KeyError, TypeError, ValueError):
        values = yaml.safe_load((restored / PROFILE).read_bytes())
        yield restored / Path(values["stream_manager"]["state_file"]).relative_to(places[old_home])


def _restore_store(work: Path, settings: Settings | None, node: str, places: Mapping[str, str], say: Say) -> None:
    """Bring the copy of the store to this program's version, and leave it in the home, or write it into PostgreSQL."""
    copy = work / DATABASE
    if not copy.is_file():
        return
    say("restoring the store")
    place = store_folder(work / HOME) / FILE_NAME
    place.parent.mkdir(parents=True, exist_ok=True)
    copy.rename(place)
    with open_store(StoreSettings(), work / HOME) as store, store.write() as session:
        session.execute(delete(LoginSessionRow))  # some may have been ended since
        ended = {"state": JobState.FAILED.value, "message": RESTORED, "ended": datetime.now(UTC)}
        session.execute(update(JobRow).where(JobRow.state.in_(UNFINISHED)).values(ended))
        relocate_recordings(session, places, node=node)
    wanted = settings if settings is not None else load_settings(work / HOME / PROFILE)
    if wanted.store.url is not None:
        with open_store(wanted.store) as store:
            require_empty(store)
            load_copy(place, store)
        shutil.rmtree(place.parent)


def _put_in_place(work: Path, home: Path, outside: Mapping[str, Path]) -> None:
    """Move everything to where it belongs; the profile last, without which there is no node."""
    for name, folder in outside.items():
        if (work / OUTSIDE / name).is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            _move(work / OUTSIDE / name, folder)
    for path in sorted((work / HOME).iterdir(), key=lambda path: (path.name == PROFILE, path.name)):
        path.rename(home / path.name)


def _move(source: Path, target: Path) -> None:
    """Move a folder, also to another disk, in place of one that does not exist or is empty."""
    if target.is_dir():
        for path in source.iterdir():
            shutil.move(path, target / path.name)
    else:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as beside:
            moved = shutil.move(source, Path(beside) / target.name)
            Path(moved).rename(target)
