"""Plays ports of the JACK driver, such as a microphone at a sound card, as a source."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Iterable, Sequence

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault, classify_stderr
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.players.base import PlayerReports
from stream_manager.services import Services
from tidzam.gaps import GapReason
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.copy_protocol import EXIT_NO_PORT, MESSAGES, CopyStatus
from tidzam.process import Child, child_process

STALE_S = 2.0
"""The process reports twice per second: without a report for this long, it does not answer."""
_CAPTURE_PORT = re.compile(r"system:capture_(\d+)")


def capture_ports(ports: Iterable[str]) -> tuple[str, ...]:
    """Those of `ports` that JACK's driver captures, in the order of their numbers."""
    found = ((int(match[1]), match[0]) for port in ports if (match := _CAPTURE_PORT.fullmatch(port)))
    return tuple(name for _, name in sorted(found))


def copy_argv(source: str, ports: Sequence[str]) -> list[str]:
    """The command line of the process that copies `ports` to those of `source`."""
    return [sys.executable, "-P", "-m", "tidzam.jack.port_copy", f"--client={source}", "--", *ports]


class InputPlayer:
    """The player `input`, see `Player`."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        self._track, self._services, self._reports = track, services, reports
        self._process: Child | None = None
        self._status: CopyStatus | None = None
        self._reported_s = 0.0

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        graph = services.graph
        await graph.until(lambda g: g.running)
        ports = _inputs(request, services)
        missing = [port for port in ports if port not in graph.ports]
        if missing or not ports:
            detail = f"there is no port {missing[0]}" if missing else "its driver captures nothing"
            raise PlaybackError(SourceFailure(SourceFault.INPUT_MISSING, detail))
        assert graph.rate_hz is not None
        return Media("", len(ports), graph.rate_hz, None, is_device=True)

    @staticmethod
    def refusal(track: Track) -> SourceFailure | None:
        return None

    async def play(self) -> None:
        track = self._track
        ports = _inputs(track.request, self._services)
        chosen = ports if track.request.channels is None else [ports[number] for number in track.request.channels]
        process = child_process(
            copy_argv(track.source, chosen),
            name=f"{track.source} input",
            env=self._services.env,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            grace_s=CLIENT_GRACE_S,
        )
        async with process as self._process:
            stdout = self._process.process.stdout
            assert stdout is not None
            async for line in stdout:
                self._read(MESSAGES.decode(line))
            code = await self._process.wait()
        lines = tuple(self._process.tail)
        if code < 0:
            raise PlaybackError(SourceFailure(SourceFault.DIED, f"signal {-code}"))
        if code == EXIT_NO_PORT:
            raise PlaybackError(SourceFailure(SourceFault.INPUT_MISSING, lines[-1] if lines else ""))
        raise PlaybackError(classify_stderr(lines, SourceFault.DIED))

    def _read(self, status: CopyStatus) -> None:
        before, self._status, self._reported_s = self._status, status, time.monotonic()
        skipped = status.skipped_frames - (before.skipped_frames if before else 0)
        if skipped:
            self._reports.gap(GapReason.XRUN, skipped / status.jack_rate_hz)

    async def position_s(self) -> float | None:
        if self._status is None:
            return None
        if time.monotonic() - self._reported_s > STALE_S:
            raise TimeoutError("the process that copies the ports does not report")
        return self._status.copied_frames / self._status.jack_rate_hz

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()


def _inputs(request: PlayRequest, services: Services) -> tuple[str, ...]:
    """The ports that the source is made of: those of its settings, by default all that the driver captures."""
    wanted = request.settings.input
    if wanted is not None and wanted.ports:
        return wanted.ports
    return capture_ports(services.graph.ports)
