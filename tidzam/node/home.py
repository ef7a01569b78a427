"""The home of a node (TIDZAM_HOME): its folder, and the files in it."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tidzam.errors import NodeError, SetupError
from tidzam.heartbeats import heartbeat_file
from tidzam.paths import DETECTORS, GAPS, HOME_ENV, MODELS, WANTED, default_home, is_wanted
from tidzam.tokens import TOKEN_FILE

if TYPE_CHECKING:  # pydantic doubles the memory of a watchdog that needs no settings
    from tidzam.config import Settings

NEEDED_BYTES = 200_000_000
SOCKET_NAME = "supervisor.sock"
LOCK_TIMEOUT_S = 150.0
"""How long a command waits for another one. A start takes a little more than `check.start_timeout_s` (60 s)."""
LOCK_POLL_S = 0.1


@dataclass(frozen=True)
class Home:
    """The paths of a node."""

    root: Path

    @property
    def profile(self) -> Path:
        """The resolved settings that the node runs with, written by `tidzam start`."""
        return self.root / "profile.yaml"

    @property
    def token(self) -> Path:
        """The file with the token that permits managing the node."""
        return self.root / TOKEN_FILE

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def scenes(self) -> Path:
        """The folder of synthesized sources and their truth labels."""
        return self.root / "demo"

    @property
    def gaps(self) -> Path:
        """The folder of the gap ledger."""
        return self.root / GAPS

    @property
    def models(self) -> Path:
        """The folder of installed models."""
        return self.root / MODELS

    @property
    def detectors(self) -> Path:
        """The folder of installed speech detectors."""
        return self.root / DETECTORS

    @property
    def icecast_config(self) -> Path:
        return self.root / "icecast.xml"

    @property
    def icecast_listeners(self) -> Path:
        """Icecast's list of users who may listen, if that requires the token."""
        return self.root / "icecast-listeners"

    @property
    def supervisor_config(self) -> Path:
        return self.root / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self.root / "supervisord.pid"

    @property
    def supervisor_socket(self) -> Path:
        return self.root / SOCKET_NAME

    @contextmanager
    def supervisor_address(self) -> Iterator[str]:
        """A path of supervisord's socket that is valid while the context is open. It is short even in a deeply nested
        home, since the address of a Unix socket has at most 107 bytes. Raises OSError if there is no home."""
        folder = os.open(self.root, os.O_PATH | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{SOCKET_NAME}"
        finally:
            os.close(folder)

    def launcher(self, program: str) -> Path:
        """The shell script with which supervisord starts `program`."""
        return self.root / "launchers" / f"{program}.sh"

    @property
    def jackd_fifo(self) -> Path:
        """The FIFO to which jackd writes its messages, before repeated ones are folded in its log."""
        return self.root / "jackd.fifo"

    def beat(self, program: str) -> Path:
        """The heartbeat file of a program that answers no requests, such as a watchdog."""
        return heartbeat_file(self.root, program)

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def tail(self, program: str, lines: int = 12) -> list[str]:
        """The last lines of the log of `program`."""
        try:
            text = self.log(program).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def settings(self) -> Settings:
        """The settings of the last start. Raises NodeError if there was none."""
        from tidzam.config import load_settings

        if not self.profile.is_file():
            raise NodeError(
                f"There is no node in {self.root}.",
                hint=f"Start one with `tidzam start`, or choose another home with --home or {HOME_ENV}.",
                code="no_node",
            )
        return load_settings(self.profile)

    @property
    def is_wanted(self) -> bool:
        """Whether the node should be running: it was started, and has not been stopped since."""
        return is_wanted(self.root)

    def want(self, running: bool) -> None:
        """Record for the watchdog whether the node should be running."""
        marker = self.root / WANTED
        if running:
            marker.touch(mode=0o600)
        else:
            marker.unlink(missing_ok=True)

    @contextmanager
    def locked(self, say: Callable[[str], None], *, timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[None]:
        """Exclude other commands from this node while open. Raises NodeError if one holds the lock for too long."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("a+", encoding="utf-8", errors="replace") as file:
            if not _lock(file):
                say(f"waiting up to {timeout_s:.0f} s for {_holder(file)}, which is working on this node")
                deadline = time.monotonic() + timeout_s
                while not _lock(file):
                    if time.monotonic() > deadline:
                        raise _locked_out(self.root, _holder(file), timeout_s)
                    time.sleep(LOCK_POLL_S)
            file.truncate(0)
            print(f"{_this_command()} (process {os.getpid()})", file=file, flush=True)
            yield

    def require_space(self) -> None:
        """Raises SetupError if the disk has too little free space for a node."""
        free = shutil.disk_usage(self.root).free
        if free < NEEDED_BYTES:
            raise disk_full(self.root, f"{free // 1_000_000} MB are free, expected {NEEDED_BYTES // 1_000_000} MB")


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: TextIO) -> str:
    """The command that holds the lock, as recorded in the lock file."""
    file.seek(0)
    return file.read(200).strip() or "another command"


def _this_command() -> str:
    words = [word for word in sys.argv[1:2] if not word.startswith("-")]
    return " ".join(["tidzam", *words])


def _locked_out(root: Path, holder: str, waited_s: float) -> NodeError:
    return NodeError(
        f"{holder} has been working on the node of {root} for more than {waited_s:.0f} s.",
        hint="Wait for that process or end it, then try again.",
        code="locked",
    )


def disk_full(folder: Path, reason: str) -> SetupError:
    return SetupError(
        f"The disk of {folder} is full: {reason}.",
        hint=f"Free some space there, or choose another home with --home or {HOME_ENV}.",
        code="disk_full",
    )


def find_home(option: Path | None, settings: Settings | None = None) -> Home:
    """The home that a command uses: its option, the environment, the profile or the default, in this order."""
    environment = os.environ.get(HOME_ENV)
    chosen = option or (Path(environment) if environment else None) or (settings and settings.home) or default_home()
    return Home(chosen.expanduser().resolve())
