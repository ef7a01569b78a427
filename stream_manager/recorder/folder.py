"""The folder of a source's recordings: names of files, complete files published, and unusable ones set aside."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tidzam.atomic import sync_file, sync_folder
from tidzam.naming import HELD_SUFFIX, PART_SUFFIX, numbered, recording_stem, split_date

ASIDE: Final = "set-aside"
_LOCK_TIMEOUT_S: Final = 15.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


def utc(seconds: float) -> datetime:
    """Seconds since 1970 as a time."""
    return _EPOCH + timedelta(seconds=seconds)


class RecordingFolder:
    """Where the recordings of one source are written. With `by_day`, in a folder per day (UTC).

    A file is hidden and ends in `.part` until it is complete. If the folder `is_held`, a complete one is still hidden
    and ends in `.held`, until it is released. With `complete_in`, a folder of the same file system, complete files are
    moved there, at once and whole.
    """

    def __init__(
        self,
        path: Path,
        source: str,
        suffix: str,
        *,
        by_day: bool = False,
        is_held: bool = False,
        complete_in: Path | None = None,
    ) -> None:
        self.path, self.source, self.is_held = path, source, is_held
        self._suffix, self._by_day, self._complete_in = suffix, by_day, complete_in

    def new_part(self, start_s: int) -> Path:
        """A path for the file that starts at `start_s` while it is written. Raises OSError."""
        final = _free(self._home(start_s) / f"{recording_stem(self.source, utc(start_s))}{self._suffix}")
        return hidden(final, PART_SUFFIX)

    def publish(self, part: Path) -> Path:
        """Give a complete file its final name, or that of a held one, with its content on disk. Raises OSError."""
        sync_file(part)
        if self._complete_in is not None:
            return self._move(part, self._complete_in)
        final = _free(final_path(part), but=part)
        target = hidden(final, HELD_SUFFIX) if self.is_held else final
        part.rename(target)
        sync_folder(target.parent)
        return target

    def _move(self, part: Path, folder: Path) -> Path:
        """Move a complete file to `folder`, and remember in the lock file until when was recorded: whoever takes files
        from there may have removed it when that is asked for."""
        folder.mkdir(exist_ok=True)  # somebody may have removed it
        self._lock.write_text(f"{part.stat().st_mtime:.3f}\n", encoding="utf-8")
        target = _free(folder / final_path(part).name)
        part.rename(target)
        sync_folder(folder)
        sync_folder(part.parent)
        return target

    def leftovers(self) -> list[Path]:
        """Files of this source that were being written when a recorder was killed, oldest first. Raises OSError."""
        files = (Path(entry.path) for entry in recording_files(self.path))
        return sorted(path for path in files if path.suffix == PART_SUFFIX and _is_file_of(path.name, self.source))

    def ended_s(self) -> float | None:
        """When the newest file of this source was last written to (seconds since 1970), complete or not.

        None if there is none. Raises OSError.
        """
        if self._complete_in is not None:
            return self._last_end_s()
        mine = (entry for entry in recording_files(self.path) if _is_file_of(entry.name, self.source))
        newest = max(mine, key=lambda entry: entry.name.removeprefix("."), default=None)
        return None if newest is None else newest.stat().st_mtime

    def _last_end_s(self) -> float | None:
        """When the newest file ended, if complete ones are moved elsewhere."""
        ends = [part.stat().st_mtime for part in self.leftovers()]
        with suppress(FileNotFoundError, ValueError):  # nothing was recorded, or a power cut has emptied it
            ends.append(float(self._lock.read_text(encoding="utf-8")))
        return max(ends, default=None)

    @property
    def _lock(self) -> Path:
        """The file that the process which records this source has locked."""
        return self.path / f".{self.source}.lock"

    def set_aside(self, part: Path, reason: str) -> Path:
        """Move an unusable file to the folder `set-aside`, with the reason in a text file beside it. If the folder is
        held, it stays hidden: nobody can say whether there is speech in it. Raises OSError."""
        aside = self.path / ASIDE
        aside.mkdir(exist_ok=True)
        names = numbered(aside / final_path(part).name)
        targets = (hidden(path, HELD_SUFFIX) if self.is_held else path for path in names)
        target = next(path for path in targets if not path.exists())
        part.rename(target)
        text = f"{utc(time.time()):%Y-%m-%d %H:%M:%S} UTC: {reason}\n"
        target.with_name(f"{target.name}.txt").write_text(text, encoding="utf-8")
        return target

    def lock(self) -> int:
        """Own the recordings of this source until the descriptor, and copies of it in child processes, are closed.

        Encoders of a recorder that was killed hold it until they have completed their files. Raises TimeoutError if
        another process holds it for longer, and OSError.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o666)
        deadline_s = time.monotonic() + _LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline_s:
                    os.close(descriptor)
                    raise TimeoutError(f"another process records {self.source} to {self.path}") from None
                time.sleep(0.1)
            else:
                return descriptor

    def free_bytes(self) -> int:
        """Bytes that are free for this user. Raises OSError."""
        return _free_bytes(self.path)

    def low_bytes(self) -> int:
        """Recording pauses when less is free: 100 MB, or 2 % of a small disk. Raises OSError."""
        disk = os.statvfs(self.path)
        return min(100_000_000, disk.f_blocks * disk.f_frsize // 50)

    def _home(self, start_s: int) -> Path:
        home = self.path / f"{utc(start_s):%Y-%m-%d}" if self._by_day else self.path
        home.mkdir(parents=True, exist_ok=True)
        return home


def release(held: Path) -> Path:
    """Give a file that was held back its final name, with its content on disk. Raises OSError."""
    sync_file(held)
    final = _free(final_path(held), but=held)
    held.rename(final)
    sync_folder(final.parent)
    return final


def held_files(folder: Path) -> list[Path]:
    """The files that are held back in a folder of recordings, oldest first. Raises OSError."""
    if not folder.is_dir():
        return []
    names = (Path(entry.path) for entry in recording_files(folder))
    return sorted(path for path in names if path.suffix == HELD_SUFFIX and path.name.startswith("."))


def hidden(final: Path, suffix: str) -> Path:
    """The hidden file that will be `final`."""
    return final.with_name(f".{final.name}{suffix}")


def final_path(path: Path) -> Path:
    """What a hidden file will be."""
    return path.with_name(path.name.removeprefix(".").removesuffix(PART_SUFFIX).removesuffix(HELD_SUFFIX))


def _free(final: Path, *, but: Path | None = None) -> Path:
    """`final`, or if it exists the same time some milliseconds later: the system clock was set back."""
    for path in (final, *(final.with_stem(f"{final.stem}.{later:03d}") for later in range(1, 1000))):
        others = (hidden(path, suffix) for suffix in (PART_SUFFIX, HELD_SUFFIX))
        if not path.exists() and not any(other != but and other.exists() for other in others):
            return path
    raise FileExistsError(f"{final} exists a thousand times")


def day_folders(folder: Path) -> list[Path]:
    """The folders of days in a folder of segments, oldest first. Raises OSError."""
    with os.scandir(folder) as entries:
        return sorted(
            Path(one.path) for one in entries if one.is_dir(follow_symlinks=False) and _DAY.fullmatch(one.name)
        )


def recording_files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Every file in a folder of recordings, and in its folders of days. Raises OSError."""
    for home in (folder, *day_folders(folder)):
        with os.scandir(home) as entries:
            yield from (entry for entry in entries if entry.is_file(follow_symlinks=False))


def _is_file_of(name: str, source: str) -> bool:
    """Whether a file with this name is a recording of `source`, or one in progress."""
    is_hidden = name.startswith(".") and name.endswith((PART_SUFFIX, HELD_SUFFIX))
    final = final_path(Path(name)).name if is_hidden else name
    if not final.startswith(f"{source}-"):
        return False
    stem, time = split_date(Path(final).stem)
    return stem == source and time is not None


def _free_bytes(path: Path) -> int:
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize
