"""A time of day that a test sets while programs run: a library that is preloaded into them (clock_shift.c)."""

from __future__ import annotations

import struct
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_CODE = Path(__file__).with_suffix(".c")


class ShiftedClock:
    """The clock of programs that run with `env`. Its files are in `folder`."""

    def __init__(self, folder: Path) -> None:
        library, self._file, self._shift_s = folder / "clock_shift.so", folder / "clock_shift", 0
        argv = ["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(_CODE)]
        subprocess.run(argv, check=True, timeout=60)
        self._file.write_bytes(struct.pack("=q", 0))
        self.env = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._file)}

    def set_by(self, seconds: int) -> None:
        """Somebody sets the clock."""
        self._shift_s += seconds
        with self._file.open("r+b", buffering=0) as file:  # eight bytes at once: programs have the file mapped
            file.write(struct.pack("=q", self._shift_s * 10**9))

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC) + timedelta(seconds=self._shift_s)
