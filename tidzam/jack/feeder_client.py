"""Starts feeder processes from asyncio, and keeps what they report."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

from tidzam.audio.signals import Noise, Signal, Tone
from tidzam.errors import JackError
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.feeder_protocol import MESSAGES, FeederStatus, Pacing
from tidzam.process import Child, child_process

log = logging.getLogger(__name__)

LAST_REPORT_S = 0.5
"""How long the last report of a feeder that has ended is waited for."""
PIPE_BYTES = 1 << 20
"""The largest pipe that any user may have; 64 KiB are 11 ms of 30 channels."""


def feeder_argv(client: str, channels: int, *, pacing: Pacing, delay_s: float = 0.5) -> list[str]:
    """The command line of a feeder, without what belongs to its input."""
    return [
        *(sys.executable, "-P", "-m", "tidzam.jack.feeder"),
        *(f"--client={client}", f"--channels={channels}", f"--pacing={pacing}", f"--delay-s={delay_s:g}"),
    ]


def signal_options(signal: Signal) -> list[str]:
    """The options by which a feeder plays a test signal instead of its input."""
    match signal:
        case Tone():
            return ["--signal=tone", f"--frequency-hz={signal.frequency_hz!r}", f"--level-dbfs={signal.level_dbfs!r}"]
        case Noise():
            return ["--signal=noise", f"--level-dbfs={signal.level_dbfs!r}", f"--seed={signal.seed}"]
        case _:
            return ["--signal=silence"]


OnStatus = Callable[[FeederStatus], None] | None


class Feeder:
    """A running feeder. Its input may be handed to several writers, one after the other: they are joined seamlessly.

    `input_fd` is where interleaved float32 (little-endian) is written: pass it on to a process, or write to it. The
    audio ends when `close_input` was called and every process that inherited it has ended. It is -1 without an input.
    """

    def __init__(self, child: Child) -> None:
        self._child = child
        self.input_fd = -1
        self._reported, self._read_all = asyncio.Event(), asyncio.Event()
        self._failure: Exception | None = None
        self.status = FeederStatus()
        """The last report; a feeder reports twice per second."""
        self.reported_s: float | None = None
        """When it came, in seconds of the event loop's clock; None before the first."""

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines of its error output."""
        return tuple(self._child.tail)

    async def started(self) -> FeederStatus:
        """Its first report: JACK has accepted it, and its ports exist unless they come with the audio.

        Raises JackError if it ended before.
        """
        reported, ended = asyncio.ensure_future(self._reported.wait()), asyncio.ensure_future(self._child.wait())
        try:
            await asyncio.wait((reported, ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            reported.cancel()
            ended.cancel()
        if not self._reported.is_set():
            reason = self.tail[-1] if self.tail else f"exit code {self._child.returncode}"
            raise JackError(
                f"The feeder {self._child.name} has ended: {reason}.",
                hint="Check that jackd is running and has free ports and clients.",
            )
        return self.status

    async def wait(self) -> int:
        """Wait until everything has been played, or it has failed: its exit code, negative for a signal.

        `status` is then the last one. Raises what a callback for its reports has raised, which ends it.
        """
        code = await self._child.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_REPORT_S):
                await self._read_all.wait()
        if self._failure is not None:
            raise self._failure
        return code

    def close_input(self) -> None:
        """Close the input in this process."""
        if self.input_fd >= 0:
            os.close(self.input_fd)
            self.input_fd = -1

    def kill(self) -> None:
        """End it immediately, without disconnecting from JACK."""
        self._child.kill()

    async def read_reports(self, on_status: OnStatus) -> None:
        """Keep `status` up to date until the process has ended. A malformed report ends it."""
        try:
            while (status := await self._next_report()) is not None:
                self.status, self.reported_s = status, asyncio.get_running_loop().time()
                self._reported.set()
                if on_status is not None:
                    on_status(status)
        except Exception as error:  # noqa: BLE001  raised by `wait`, for which whoever plays waits
            self._failure = error
            self.kill()
        finally:
            self._read_all.set()

    async def _next_report(self) -> FeederStatus | None:
        """The next report; None once it has ended."""
        stdout = self._child.process.stdout
        assert stdout is not None
        try:
            line = await stdout.readline()
            return MESSAGES.decode(line) if line.endswith(b"\n") else None
        except (ValueError, KeyError, TypeError):
            log.error("%s has sent a malformed report and is killed", self._child.name)
            self.kill()
            return None


@asynccontextmanager
async def feeder(
    client: str,
    channels: int,
    *,
    rate_hz: int | None = None,
    pacing: Pacing,
    delay_s: float = 0.5,
    ahead_s: float | None = None,
    ports_with_audio: bool = False,
    env: Mapping[str, str],
    on_status: OnStatus = None,
) -> AsyncIterator[Feeder]:
    """A feeder that owns the JACK client `client` with the ports `out_0` to `out_(channels - 1)` while it is open.

    `rate_hz` is the rate of what is written to it; that of JACK by default. `delay_s` is how much is buffered before it
    is played, `ahead_s` how much live audio can wait besides, up to and by default 30 s. `ports_with_audio` registers
    the ports only when the first audio arrives, after a first report. `env` leads to the JACK server. `on_status` is
    called for each report.
    On leaving, the client is closed; no port remains. It does not wait until JACK has accepted the client:
    `Feeder.started` does.
    """
    argv = feeder_argv(client, channels, pacing=pacing, delay_s=delay_s)
    argv += [] if rate_hz is None else [f"--rate-hz={rate_hz}"]
    argv += [] if ahead_s is None else [f"--ahead-s={ahead_s:g}"]
    argv += ["--ports-with-audio"] if ports_with_audio else []
    read_fd, write_fd = os.pipe()
    with suppress(OSError):  # the user has too many large pipes: a small one will do
        fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    running = None
    try:
        async with feeder_process(argv, client, env=env, stdin=read_fd, on_status=on_status) as child:
            os.close(read_fd)
            read_fd = -1
            running = child
            running.input_fd = write_fd
            yield running
    finally:
        if read_fd >= 0:
            os.close(read_fd)
        if running is None:
            os.close(write_fd)
        else:
            running.close_input()


@asynccontextmanager
async def signal_feeder(
    client: str, channels: int, signal: Signal, *, env: Mapping[str, str], on_status: OnStatus = None
) -> AsyncIterator[Feeder]:
    """A feeder that plays `signal`, and has no input. See `feeder`."""
    argv = [*feeder_argv(client, channels, pacing=Pacing.PULL), *signal_options(signal)]
    async with feeder_process(argv, client, env=env, on_status=on_status) as running:
        yield running


@asynccontextmanager
async def feeder_process(
    argv: Sequence[str],
    client: str,
    *,
    env: Mapping[str, str],
    stdin: int = asyncio.subprocess.DEVNULL,
    on_status: OnStatus = None,
) -> AsyncIterator[Feeder]:
    """The process of a feeder with this command line, while the context is open."""
    child = child_process(
        argv,
        name=f"{client} feeder",
        env=env,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        grace_s=CLIENT_GRACE_S,
        on_line=lambda line: log.warning("%s feeder: %s", client, line),
    )
    async with child as process:
        running = Feeder(process)
        reports = asyncio.create_task(running.read_reports(on_status), name=f"{client} feeder reports")
        try:
            yield running
        finally:
            reports.cancel()
            await asyncio.wait([reports])
