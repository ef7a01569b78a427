"""Which files of a node are backed up: everything in its home but what a start makes again, and folders elsewhere."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tidzam.config import Settings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.paths import CACHE, JOBS, PACKAGE, STORE, WANTED
from tidzam.recording_folders import recording_folders
from tidzam.tokens import TOKEN_FILE

CLIENT_SOURCES: Final = "client-sources.json"
PROFILE: Final = "profile.yaml"
CREDENTIAL_FILES: Final = frozenset({TOKEN_FILE})
"""Files of a home that are nothing but credentials."""
_TRANSIENT: Final = frozenset(
    {"logs", "launchers", CACHE, JOBS, STORE, WANTED, "lock", "supervisord.conf", "icecast.xml", "icecast-listeners"}
)
"""What a start makes again; the files of jobs, whose commands are about this home; and the store, which is copied by
its database."""
_TRANSIENT_SUFFIXES: Final = (".beat", ".pid")
_SQLITE_SIDES: Final = ("-wal", "-shm", "-journal")
_OF_FILE_SYSTEM: Final = "lost+found"
"""The folder of a file system for what it repaired, which only root can read."""


OnUnreadable = Callable[[Path, str], None]
"""Called with a path that cannot be read, and the reason."""


@dataclass(frozen=True)
class FoundFile:
    """A file to back up: where it is, its path in its folder, and its status."""

    path: Path
    name: str
    status: os.stat_result


def home_files(
    home: Path,
    *,
    without: Collection[Path] = (),
    credentials: bool = False,
    on_unreadable: OnUnreadable = lambda _, __: None,
) -> Iterator[FoundFile]:
    """The files of a home that are backed up, those that wait in spools first. `without` are folders to leave out.

    What waits in a spool may reach the store at any time: as the spools are copied before the store, it is in one of
    them at least.
    """
    with os.scandir(home) as entries:
        names = sorted((entry.name for entry in entries), key=lambda name: (name != "spool", name))
    for name in names:
        if name in _TRANSIENT or name.endswith(_TRANSIENT_SUFFIXES):
            continue
        if credentials or name not in CREDENTIAL_FILES:
            yield from files_below(home, name, without=without, on_unreadable=on_unreadable)


def files_below(
    folder: Path,
    name: str = "",
    *,
    without: Collection[Path] = (),
    on_unreadable: OnUnreadable = lambda _, __: None,
) -> Iterator[FoundFile]:
    """The regular files in `folder/name`, or that file itself. Links are followed, each folder is visited once.

    Hidden files are left out: they are incomplete, or held back because of privacy. So are the side files of SQLite,
    and `lost+found`. `on_unreadable` is called with a path that cannot be read, and the reason.
    """
    skipped = {(found.st_dev, found.st_ino) for path in without if (found := _status(path)) is not None}
    yield from _walk(folder, name, skipped, on_unreadable)


def _walk(folder: Path, name: str, visited: set[tuple[int, int]], on_unreadable: OnUnreadable) -> Iterator[FoundFile]:
    path = folder / name
    if name and _is_left_out(path.name):
        return
    try:
        status = _status(path)
    except OSError as error:
        on_unreadable(path, error.strerror or str(error))
        return
    if status is None:
        return
    if stat.S_ISREG(status.st_mode):
        yield FoundFile(path, name, status)
    elif stat.S_ISDIR(status.st_mode) and (status.st_dev, status.st_ino) not in visited:
        visited.add((status.st_dev, status.st_ino))
        try:
            inner = sorted(entry.name for entry in path.iterdir())
        except OSError as error:
            on_unreadable(path, error.strerror or str(error))
            return
        for one in inner:
            yield from _walk(folder, f"{name}/{one}" if name else one, visited, on_unreadable)


def _is_left_out(name: str) -> bool:
    return name.startswith(".") or name.endswith(_SQLITE_SIDES) or name == _OF_FILE_SYSTEM


def _status(path: Path) -> os.stat_result | None:
    """None for what is not there: another program may have deleted it."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def outside_folders(settings: Settings, home: Path) -> Mapping[str, Path]:
    """The folders outside the home into which a node with these settings writes audio, or from which it reads its
    classifiers, by the names that they get in a backup.

    They are those of recordings, also of live streams and of the sources of clients, of clips, also those that other
    nodes have forwarded, and of `analyzer.nn`.
    """
    wanted = [path for path in _folders_of(settings, home) if path is not None]
    outside: list[Path] = []
    for path in sorted({Path(os.path.normpath(path.absolute())) for path in wanted}):
        is_covered = any(path.is_relative_to(other) for other in (home, PACKAGE, *outside))
        if not is_covered and path.is_dir():
            outside.append(path)
    return _named(outside)


def _folders_of(settings: Settings, home: Path) -> Iterator[Path | None]:
    yield from recording_folders(settings)
    yield from (sink.folder for sink in settings.analyzer.sinks if isinstance(sink, ClipSinkSettings))
    yield settings.console.forwarded.folder
    yield settings.analyzer.nn
    yield from _client_folders(settings.stream_manager.state_file or home / CLIENT_SOURCES)


def _client_folders(path: Path) -> Iterator[Path]:
    """The folders of recordings of the sources that clients have loaded; none from a file that is damaged."""
    try:
        rows = json.loads(path.read_bytes())["sources"]
        yield from [Path(row["record"]["path"]) for row in rows if row.get("record")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return


def _named(folders: Iterable[Path]) -> Mapping[str, Path]:
    named: dict[str, Path] = {}
    for folder in folders:
        stem = folder.name or "root"
        name = next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, 10_000))) if name not in named)
        named[name] = folder
    return named
