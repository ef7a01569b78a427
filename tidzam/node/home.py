"""TIDZAM_HOME: the folder of one node, and what lies where in it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidzam.config import Settings, load_settings
from tidzam.errors import NodeError, SetupError
from tidzam.paths import default_home
from tidzam.tokens import TOKEN_FILE

HOME_ENV = "TIDZAM_HOME"
NEEDED_BYTES = 200_000_000
SOCKET_NAME = "supervisor.sock"


@dataclass(frozen=True)
class Home:
    """The paths of a node."""

    root: Path

    @property
    def profile(self) -> Path:
        """The settings that the node runs with, as `tidzam start` resolved them."""
        return self.root / "profile.yaml"

    @property
    def token(self) -> Path:
        """What proves the right to manage the node."""
        return self.root / TOKEN_FILE

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def scenes(self) -> Path:
        """Synthesised sources and their truth labels."""
        return self.root / "demo"

    @property
    def icecast_config(self) -> Path:
        return self.root / "icecast.xml"

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
        """A path to supervisord's socket that is valid while the context is open, and short however deep the home is:
        the address of a Unix socket holds 107 bytes. Raises OSError if there is no home."""
        folder = os.open(self.root, os.O_PATH | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{folder}/{SOCKET_NAME}"
        finally:
            os.close(folder)

    def launcher(self, program: str) -> Path:
        """The shell script by which supervisord starts `program`."""
        return self.root / "launchers" / f"{program}.sh"

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def tail(self, program: str, lines: int = 12) -> list[str]:
        """The last lines that `program` wrote."""
        try:
            text = self.log(program).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def settings(self) -> Settings:
        """What the node was started with. Raises NodeError if it never was."""
        if not self.profile.is_file():
            raise NodeError(
                f"There is no node in {self.root}.",
                hint=f"Start one with `tidzam start`, or name another home with --home or {HOME_ENV}.",
                code="no_node",
            )
        return load_settings(self.profile)

    @contextmanager
    def locked(self, say: Callable[[str], None]) -> Iterator[None]:
        """While open, no other command starts, stops or mends this node."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another command is at work on this node; waiting for it")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def require_space(self) -> None:
        """Raises SetupError if the disk is too full for a node to live on."""
        free = shutil.disk_usage(self.root).free
        if free < NEEDED_BYTES:
            raise disk_full(self.root, f"{free // 1_000_000} MB are free, {NEEDED_BYTES // 1_000_000} are needed")


def disk_full(folder: Path, reason: str) -> SetupError:
    return SetupError(
        f"The disk of {folder} is full: {reason}.",
        hint=f"Make room there, or choose another place with --home or {HOME_ENV}.",
        code="disk_full",
    )


def find_home(option: Path | None, settings: Settings | None = None) -> Home:
    """The home a command means: what it was told, what the environment says, what the profile says, the default."""
    environment = os.environ.get(HOME_ENV)
    chosen = option or (Path(environment) if environment else None) or (settings and settings.home) or default_home()
    return Home(chosen.expanduser().resolve())
