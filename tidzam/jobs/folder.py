"""The folder of a job: its command and inputs, its log, its last status, and the signs that it is alive or unwanted.

It is what the runner of the job and the program that wanted it have in common, so that neither needs the other, and
the runner needs no database.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tidzam.atomic import write_atomically
from tidzam.jobs.states import JobSigns, JobState, JobStatus

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class JobFolder:
    """The files of one job. `root` is its folder, which only its owner can read."""

    root: Path

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

    @property
    def lock(self) -> Path:
        """Its lock is held for as long as the job's process lives."""
        return self.root / "lock"

    @property
    def _cancel(self) -> Path:
        return self.root / "cancel"

    @property
    def _status(self) -> Path:
        return self.root / "status.json"

    @property
    def _command(self) -> Path:
        return self.root / "command.json"

    def prepare(self, argv: Sequence[str], files: Mapping[str, str] | None = None) -> None:
        """Make the folder, with the command line that the job runs and its input files. Raises OSError."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in (files or {}).items():
            write_atomically(self.root / name, text, mode=0o600)
        write_atomically(self._command, json.dumps({"argv": list(argv)}), mode=0o600)

    def argv(self) -> list[str]:
        """The command line. Raises OSError and ValueError."""
        return [str(word) for word in json.loads(self._command.read_text(encoding="utf-8"))["argv"]]

    def report(self, status: JobStatus) -> None:
        """Replace the last status. Raises OSError."""
        values = {
            "state": status.state.value,
            "progress": status.progress,
            "message": status.message,
            "result": status.result,
            "boot": _boot_id(),
        }
        write_atomically(self._status, json.dumps(values), mode=0o600)

    def signs(self) -> JobSigns:
        """What there is to see of the job."""
        is_alive = self._is_locked()  # before the status is read, which is written before the lock is given up
        values: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            values = json.loads(self._status.read_text(encoding="utf-8"))
        status = None
        if values:
            state, message = JobState(values["state"]), values["message"]
            status = JobStatus(state, values["progress"], message, values["result"])
        is_same_boot = values.get("boot", "") == _boot_id()
        return JobSigns(status, is_alive, is_same_boot, has_files=self._command.is_file())

    def hold(self) -> int | None:
        """Take the lock. Returns its descriptor, which keeps it until it is closed in all processes that have it; None
        if it is held. Raises OSError."""
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def cancel(self) -> None:
        """Make the runner end the job. Raises OSError."""
        self._cancel.touch(mode=0o600)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody wants the job to end."""
        return self._cancel.exists()

    def tail(self, lines: int) -> list[str]:
        """The last lines of the log."""
        try:
            with self.log.open(encoding="utf-8", errors="replace") as file:
                return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
        except OSError:
            return []

    def remove(self) -> None:
        """Remove all files of the job."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _is_locked(self) -> bool:
        try:
            descriptor = self.hold()
        except OSError:
            return False
        if descriptor is None:
            return True
        os.close(descriptor)
        return False


def _boot_id() -> str:
    """What differs between two starts of the machine."""
    return _BOOT_ID.read_text(encoding="ascii").strip()
