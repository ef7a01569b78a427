"""The names of running servers in JACK's shared registry, which has eight places per machine.

libjack frees the place of a killed server only for a server of the same name, so after eight killed servers with
different names no server can start ("Too many servers already active").
"""

from __future__ import annotations

import mmap
import os
import re
import socket
import sys
from contextlib import suppress
from pathlib import Path

import psutil

from tidzam.errors import NodeError

SHARED_MEMORY = Path("/dev/shm")
_SERVER = re.compile(rb"jack-(\d+):([^:\0]+):\0")
"""How libjack (shm.c) writes a server's user and name, after the four bytes of its process id."""
_PID_BYTES = 4
_CONNECT_TIMEOUT_S = 1.0


def jack_servers(name: str | None = None) -> list[int]:
    """The pids of the JACK servers of that name; without a name, of all."""
    return [
        process.pid
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] in ("jackd", "jackdbus")
        and (name is None or {name, f"--name={name}"} & set(process.info["cmdline"] or []))
    ]


def require_free_name(name: str, *, except_of: frozenset[int] = frozenset()) -> None:
    """Raises NodeError if a JACK server of that name is running, other than the processes `except_of`."""
    others = set(jack_servers(name)) - except_of
    if others:
        raise NodeError(
            f"A JACK server named {name!r} is already running (pid {min(others)}).",
            hint="Set another name in the profile of this node (jack.server), or end that server.",
            code="jack_name_in_use",
        )


def clear_dead_servers(folder: Path = SHARED_MEMORY, *, prefix: str = "") -> list[str]:
    """Free the places of servers whose process no longer exists and whose names begin with `prefix`; returns the names.

    Needs no lock: as long as a place names a dead process, libjack leaves it to a server of that name.
    """
    with (
        suppress(OSError, ValueError),  # no JACK server has run here, or its registry is another user's or damaged
        (folder / "jack-shm-registry").open("r+b") as file,
        mmap.mmap(file.fileno(), 0) as registry,
    ):
        places = [match for match in _SERVER.finditer(registry) if match[2].startswith(os.fsencode(prefix))]
        return [name for match in places if (name := _clear(registry, match, folder))]
    return []


def _clear(registry: mmap.mmap, match: re.Match[bytes], folder: Path) -> str | None:
    start = match.start() - _PID_BYTES
    if start < 0:
        return None
    pid = int.from_bytes(registry[start : match.start()], sys.byteorder)
    user, name = match[1].decode(), match[2].decode(errors="surrogateescape")
    if _runs(pid) or is_listening(folder / f"jack_{name}_{user}_0"):
        return None
    registry[match.start() : match.end()] = bytes(match.end() - match.start())
    registry[start : match.start()] = bytes(_PID_BYTES)
    return name


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_listening(address: Path) -> bool:
    """Whether a process listens there: the process id of a server in another container is meaningless here."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_CONNECT_TIMEOUT_S)
        try:
            client.connect(str(address))
        except OSError:
            return False
    return True
