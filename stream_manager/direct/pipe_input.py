"""The output of a program as the input of a direct recorder: arecord, or ffmpeg."""

from __future__ import annotations

import array
import fcntl
import os
import subprocess
import termios
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import numpy as np

from stream_manager.direct.inputs import InputError
from tidzam.process import CHILD_ENV
from tidzam.scrub import scrub
from tidzam.types import Float32

_PIPE_BYTES: Final = 1 << 20
_END_S: Final = 2.0
_TAIL_LINES: Final = 12
SCALES: Final[Mapping[str, float]] = {"<i2": 2.0**-15, "<i4": 2.0**-31, "<f4": 1.0}
"""The kinds of samples that a program may write, and what full scale is divided by."""


class PipeInput:
    """What a program writes to its standard output, see `DirectInput`."""

    is_live: Final = True

    def __init__(
        self,
        argv: Sequence[str],
        *,
        name: str,
        rate_hz: int,
        channels: int,
        samples: str,
        target_s: float,
        selected: Sequence[int] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """`channels` of `samples` (a key of SCALES), of which `selected` are handed out. Raises InputError."""
        self.rate_hz, self.target_s = rate_hz, target_s
        self.channels = channels if selected is None else len(selected)
        self._selected = None if selected is None else list(selected)
        self._samples, self._written = np.dtype(samples), channels
        self._frame_bytes = self._samples.itemsize * channels
        self._rest = b""
        self._lines, self._line = deque[str](maxlen=_TAIL_LINES), b""
        self._process = _started(argv, name, pass_fds)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._output, self._errors = self._process.stdout.fileno(), self._process.stderr.fileno()
        for descriptor in (self._output, self._errors):
            os.set_blocking(descriptor, False)
        with suppress(OSError):  # the kernel limits the total size of pipes per user
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    def waiting(self) -> int:
        self._read_errors()
        available = array.array("i", [0])
        fcntl.ioctl(self._output, termios.FIONREAD, available)
        frames = (len(self._rest) + available[0]) // self._frame_bytes
        if not frames and not self.is_running and not self._has_more():
            self._read_errors()
            raise InputError(self._reason())
        return frames

    def take(self, frames: int) -> Float32:
        data = self._rest
        while (missing := frames * self._frame_bytes - len(data)) > 0:
            try:
                found = os.read(self._output, missing)
            except BlockingIOError:
                break
            if not found:
                break
            data += found
        whole = min(len(data) // self._frame_bytes, frames) * self._frame_bytes
        self._rest = data[whole:]
        values = np.frombuffer(data, self._samples, whole // self._samples.itemsize).reshape(-1, self._written)
        if self._selected is not None:
            values = values[:, self._selected]
        return np.asarray(values * np.float32(SCALES[self._samples.str]), np.float32)

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # one that waits for a device that is gone never ends
                self._process.wait(_END_S)
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def _has_more(self) -> bool:
        """Whether the program wrote something between the last look at its output and its end."""
        with suppress(BlockingIOError):
            self._rest += os.read(self._output, self._frame_bytes)
        return len(self._rest) >= self._frame_bytes

    def _read_errors(self) -> None:
        """Keep the last lines that the program wrote to its standard error."""
        with suppress(BlockingIOError):
            while found := os.read(self._errors, 4096):
                *lines, self._line = (self._line + found).split(b"\n")
                self._lines.extend(scrub(line.decode(errors="replace").strip()) for line in lines if line.strip())

    def _reason(self) -> str:
        code = self._process.returncode
        ended = f"signal {-code}" if code < 0 else f"status {code}"
        return self._lines[-1] if self._lines else f"its program ended with {ended}"


def _started(argv: Sequence[str], name: str, pass_fds: Sequence[int]) -> subprocess.Popen[bytes]:
    """The program, which ends with the thread that starts it. Raises InputError."""
    try:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, CHILD_ENV: name},
            pass_fds=pass_fds,
            process_group=0,
        )
    except OSError as error:
        raise InputError(f"{argv[0]} cannot be started: {error}") from error
