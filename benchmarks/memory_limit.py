"""A control group in which a process has only so much memory, page cache included."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = f"tidzam-bench-{os.getpid()}"


@contextmanager
def memory_limit(limit_bytes: int) -> Iterator[Path | None]:
    """A control group (version 1 or 2) limited to that many bytes, for `enter`; None where none can be made."""
    for home, limit in _places():
        group = home / NAME
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(limit_bytes))
        except OSError:
            group.rmdir()
            continue
        try:
            yield group
        finally:
            _remove(group)
        return
    yield None


def enter(group: Path) -> None:
    """Move this process into a group."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


def drop_cache(folder: Path) -> None:
    """Let the kernel forget the pages of all files in a folder, so that they are read from the disk."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _places() -> Iterator[tuple[Path, str]]:
    """Where this process may create control groups, and the file that limits them."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
            number, controllers, path = line.split(":", 2)
            if controllers == "memory":
                yield ROOT / "memory" / path.lstrip("/"), "memory.limit_in_bytes"
            elif number == "0":
                yield ROOT / path.lstrip("/"), "memory.max"


def _remove(group: Path) -> None:
    for _ in range(50):  # a process that has ended leaves its group with a delay
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.1)
        else:
            return
