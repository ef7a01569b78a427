"""What writes one file of a recording: an encoder, or the ffmpeg that is one."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from stream_manager.recorder.options import RecorderOptions
from tidzam.process import is_suspended

SUFFIXES: Final = {"opus": ".opus", "flac": ".flac", "wav": ".wav"}
_PIPE_S: Final = 0.25
_MAX_PIPE_BYTES: Final = 1 << 20
_PAGE_US: Final = "200000"
"""The duration of a page of Ogg: what is lost of an Opus file when its encoder is killed."""
_TAIL_BYTES: Final = 2000
_NO_ROOM: Final = ("No space left on device", "Disk quota exceeded", "File too large")


def is_out_of_room(reason: str) -> bool:
    """Whether a message of ffmpeg says that the disk is full."""
    return any(text in reason for text in _NO_ROOM)


class EncoderError(Exception):
    """An encoder failed; the text is its last message."""


class FileEncoder(Protocol):
    """Encodes interleaved float32 samples, whole frames at a time, to one file."""

    def write(self, data: memoryview) -> int:
        """Write what fits now; returns the number of bytes. Raises EncoderError if it has ended."""
        ...

    def wait_writable(self, timeout_s: float) -> None:
        """Wait until `write` is likely to write something."""
        ...

    def check(self) -> None:
        """Raises EncoderError if it has ended."""
        ...

    def check_progress(self) -> None:
        """Called when it has taken nothing for some time. Raises EncoderError if it will remain so."""
        ...

    def finish(self, data: bytes = b"", *, timeout_s: float = 60.0) -> None:
        """Write `data`, and wait until the file is complete. Raises EncoderError if it is not."""
        ...

    def kill(self) -> None:
        """End it at once, if it has not ended. The file remains as it is."""
        ...


def codec_argv(options: RecorderOptions) -> list[str]:
    """The options of ffmpeg for the codec and the container of a file.

    Opus with more than two channels uses mapping family 255, which couples no channels and filters none.
    """
    match options.format:
        case "opus":
            rate = f"{options.bitrate_kbps * options.channels}k"
            family = ("-mapping_family", "255") if options.channels > 2 else ()
            return ["-c:a", "libopus", "-b:a", rate, *family, "-page_duration", _PAGE_US, "-f", "opus"]
        case "flac":
            depth = ("-sample_fmt", "s32", "-bits_per_raw_sample", "24") if options.bit_depth == 24 else ()
            return ["-c:a", "flac", *(depth or ("-sample_fmt", "s16")), "-f", "flac"]
        case _:
            return ["-c:a", f"pcm_s{options.bit_depth}le", "-rf64", "auto", "-f", "wav"]


def encoder_argv(path: Path, rate_hz: int, options: RecorderOptions) -> list[str]:
    """ffmpeg that encodes float32 samples, interleaved, from its standard input to the file `path`, which is new.

    Channels are not given a layout (`-guess_layout_max 0`), so that none is mixed into another.
    """
    return [
        *("ffmpeg", "-hide_banner", "-nostats", "-loglevel", "error", "-n"),
        *("-probesize", "32", "-analyzeduration", "0", "-guess_layout_max", "0"),
        *("-f", "f32le", "-ar", str(rate_hz), "-ac", str(options.channels), "-i", "pipe:0"),
        *(*codec_argv(options), "-map_metadata", "-1", "-flush_packets", "1", f"file:{path}"),
    ]


class Encoder:
    """A running ffmpeg. Writing to it never blocks.

    It ends when its input is closed, also because this process was killed: it then completes the file.
    """

    def __init__(self, argv: Sequence[str], *, bytes_per_s: int, keep_fds: Sequence[int] = ()) -> None:
        """Raises EncoderError. The descriptors `keep_fds` stay open in ffmpeg for as long as it runs."""
        self._log, self._message = os.memfd_create("ffmpeg-log"), ""
        try:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=keep_fds,
                process_group=0,  # a signal to the recorder's group must not end it before it has read everything
            )
        except OSError as error:
            os.close(self._log)
            raise EncoderError(f"ffmpeg cannot be started: {error}") from error
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        with suppress(OSError):  # the kernel limits the total size of pipes per user
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, min(int(_PIPE_S * bytes_per_s) or 1, _MAX_PIPE_BYTES))

    @property
    def pid(self) -> int:
        return self._process.pid

    def write(self, data: memoryview) -> int:
        """Write what fits into the pipe; returns the number of bytes. Raises EncoderError if ffmpeg has ended."""
        try:
            return os.write(self._pipe, data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise self._end() from None

    def wait_writable(self, timeout_s: float) -> None:
        """Wait until `write` is likely to write something."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLOUT)
        poll.poll(timeout_s * 1000)

    def check(self) -> None:
        """Raises EncoderError if ffmpeg has ended."""
        if self._process.poll() is not None:
            raise self._end()

    def check_progress(self) -> None:
        """Raises EncoderError if ffmpeg was suspended. One that waits for a slow disk was not."""
        if is_suspended(self.pid):
            raise EncoderError("ffmpeg was suspended")

    def finish(self, data: bytes = b"", *, timeout_s: float = 60.0) -> None:
        """Write `data`, close the input, and wait until the file is complete. Raises EncoderError if it is not."""
        os.set_blocking(self._pipe, True)
        try:
            self._process.communicate(data, timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise EncoderError(f"ffmpeg did not end within {timeout_s:.0f} s") from None
        fault = self._end()
        if self._process.returncode or self._message:
            raise fault

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        self._process.kill()
        self._end()

    def _end(self) -> EncoderError:
        """Reap the process, and release what belongs to it. Returns how it ended."""
        assert self._process.stdin is not None
        with suppress(OSError):  # a broken pipe, which is not news
            self._process.stdin.close()
        status = self._process.wait()
        if self._log >= 0:
            size = os.fstat(self._log).st_size
            text = os.pread(self._log, _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace").strip()
            lines = text.splitlines() or [""]
            self._message = next((line for line in lines if is_out_of_room(line)), lines[-1])
            os.close(self._log)
            self._log = -1
        ended = f"signal {-status}" if status < 0 else f"status {status}"
        return EncoderError(f"ffmpeg ended with {ended}" + (f": {self._message}" if self._message else ""))
