"""`python -m tidzam.node.jackd_log FIFO PROGRAM ARGUMENT…` becomes PROGRAM; its output goes to FIFO without waiting.

jackd writes two lines per cycle while a client is late. The process that folds them must not be able to block jackd. If
it does not read, the FIFO holds 64 KiB, and further messages are dropped.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from tidzam.node.log_deduplication import LogDeduplicator

READ_BYTES = 65536
MOST_LOG_BYTES = 2_000_000
IDLE_S = 5.0


def main() -> None:
    fifo, *argv = sys.argv[1:]
    make_fifo(Path(fifo))
    descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.execvp(argv[0], argv)


def make_fifo(path: Path) -> None:
    """Raises OSError."""
    if not path.is_fifo():
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)


class FoldingLog:
    """Copies lines from a FIFO to a log file and folds repeated ones, in background threads until the program ends."""

    def __init__(self, fifo: Path, log: Path) -> None:
        self._fifo, self._log = fifo, log
        self._deduplicator = LogDeduplicator()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Raises OSError."""
        make_fifo(self._fifo)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._report, daemon=True).start()

    def _read(self) -> None:
        descriptor = os.open(self._fifo, os.O_RDWR)  # writable, too: no end of file when a writer exits
        rest = b""
        while True:
            *lines, rest = (rest[:READ_BYTES] + os.read(descriptor, READ_BYTES)).split(b"\n")
            with self._lock:
                for line in lines:
                    self._write(self._deduplicator.pass_on(line.decode(errors="replace"), time.monotonic()))

    def _report(self) -> None:
        while True:
            time.sleep(IDLE_S)
            with self._lock:
                self._write(self._deduplicator.due(time.monotonic()))

    def _write(self, lines: list[str]) -> None:
        if not lines:
            return
        try:
            if self._log.is_file() and self._log.stat().st_size > MOST_LOG_BYTES:
                self._log.replace(self._log.with_suffix(".log.1"))
            with self._log.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError:  # a full disk: there may be space for later lines
            return


if __name__ == "__main__":
    main()
