"""Removes what JACK servers left in shared memory, and never what a process still uses."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tidzam.jack.server_names import SHARED_MEMORY, clear_dead_servers, is_listening, jack_servers

PROCESSES = Path("/proc")
LOOK_AGAIN_S = 0.1
"""Time between two scans: a server maps a segment shortly after it has created it."""


def clear_shared_memory(server: str) -> None:
    """Remove what the JACK server `server` left behind, unless it is running.

    Its semaphores and its socket have its name in theirs. The segments of servers and clients are only numbered: those
    of this user that no process has mapped are abandoned. JACK's registry is removed if no JACK server is running.
    """
    clear_dead_servers()
    if _jack_runs(server):
        return
    owner = os.geteuid()
    _remove([f"jack_sem.{owner}_{server}_*", f"jack_{server}_{owner}_*"])
    abandoned = abandoned_segments(owner)
    if abandoned:
        time.sleep(LOOK_AGAIN_S)
        for segment in abandoned & abandoned_segments(owner):
            with suppress(OSError):
                segment.unlink()
    if not _jack_runs():
        _remove(["jack-shm-registry", f"jack-{owner}-*", f"jack_db-{owner}/*"])


def abandoned_segments(owner: int) -> set[Path]:
    """JACK's segments of the user `owner` that no process has mapped; empty if that cannot be determined."""
    segments = set(SHARED_MEMORY.glob(f"jack-{owner}-*"))
    if not segments or _unseen_server_runs(owner):
        return set()
    mapped = _mapped_segments()
    return set() if mapped is None else segments - mapped


def _mapped_segments() -> set[Path] | None:
    """The JACK segments that processes have mapped; None if this user may not examine a JACK server."""
    found: set[Path] = set()
    for process in psutil.process_iter(["name"]):
        try:
            maps = (PROCESSES / str(process.pid) / "maps").read_text(encoding="utf-8", errors="replace")
        except PermissionError:
            if (process.info["name"] or "").startswith("jack"):
                return None
        except OSError:  # it has ended
            continue
        else:
            prefix = f"{SHARED_MEMORY}/jack-"
            words = (line.split(maxsplit=5)[-1] for line in maps.splitlines() if prefix in line)
            found |= {Path(word) for word in words if word.startswith(prefix)}
    return found


def _unseen_server_runs(owner: int) -> bool:
    """Whether a JACK server of `owner` listens whose process is not visible, for example in another container."""
    marks = ("jack_", f"_{owner}_0")
    names = [
        path.name.removeprefix(marks[0]).removesuffix(marks[1])
        for path in SHARED_MEMORY.glob(f"jack_*_{owner}_0")
        if is_listening(path)
    ]
    return any(not _jack_runs(name) for name in names)


def _remove(patterns: list[str]) -> None:
    for pattern in patterns:
        for path in SHARED_MEMORY.glob(pattern):
            with suppress(OSError):
                path.unlink()


def _jack_runs(server: str | None = None) -> bool:
    """Whether the JACK server of that name is running; without a name, whether any is."""
    return bool(jack_servers(server))
