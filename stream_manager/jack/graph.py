"""The state of the JACK server: whether it exists and runs, its rate, its ports, and which sources are silent."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Never

from stream_manager.jack.agent_protocol import (
    BEAT_TIMEOUT_S,
    BUSY_TIMEOUT_S,
    EXIT_NO_SERVER,
    EXIT_SERVER_GONE,
    MESSAGES,
    START_TIMEOUT_S,
    AgentBeat,
    AgentMessage,
    Connected,
    PortChanges,
    Signals,
)
from stream_manager.signals.meter import SignalMeter
from tidzam.config.signal_health import SignalHealthSettings
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.jack.environment import jack_env
from tidzam.naming import source_of
from tidzam.process import child_process

log = logging.getLogger(__name__)

RETRY_S = 0.3
SERVER_AWAY = (EXIT_NO_SERVER, EXIT_SERVER_GONE)


class _AgentFailedError(Exception):
    """The agent has to be replaced; the text is the reason."""


class JackGraph:
    """The JACK graph as the agent reports it. `rate_hz` is None while the server is away; then there are no ports.

    `stalled` is set while the server exists but its cycles have stopped: it was suspended, or its driver hangs. `quiet`
    contains the sources that currently send only digital silence, `signals` the health of the signal of each port.
    `on_late` is called with the seconds by which the driver of JACK, such as a sound card, was late: no channel had
    sound meanwhile.
    """

    def __init__(
        self,
        server: str,
        *,
        expected_rate_hz: int,
        output_suffixes: Sequence[str] = (),
        signal: SignalHealthSettings = SignalHealthSettings(),  # noqa: B008  frozen
        on_late: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._server, self._expected_rate_hz, self._suffixes = server, expected_rate_hz, output_suffixes
        self._interval_s, self.signals = signal.interval_s, SignalMeter(signal)
        self._changed = asyncio.Condition()
        self.rate_hz: int | None = None
        self.ports: frozenset[str] = frozenset()
        self.stalled = False
        self.quiet: frozenset[str] = frozenset()
        self.xruns = 0
        """How often JACK reported that it or a client was late."""
        self._on_late = on_late
        self._agent_is_open = False
        """Whether the agent's JACK client is open, so that the agent may be killed."""

    @property
    def up(self) -> bool:
        """Whether the server exists. If it is stalled, its clients are still connected."""
        return self.rate_hz is not None

    @property
    def running(self) -> bool:
        """Whether the server exists and its cycles run."""
        return self.up and not self.stalled

    def has_client(self, name: str) -> bool:
        """Whether any port belongs to a client called `name`."""
        return any(source_of(port) == name for port in self.ports)

    async def until(self, condition: Callable[[JackGraph], bool]) -> None:
        """Wait until `condition` is true of this graph."""
        async with self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def watch(self) -> Never:
        """Keep this graph up to date, until cancelled."""
        logged = False
        while True:
            if await self._follow_agent() in SERVER_AWAY:
                if self.up or not logged:
                    log.warning("the JACK server %r is not running; waiting for it", self._server)
                    logged = True
                await self._set(None, frozenset())
            else:
                log.warning("the JACK agent ended by itself; starting another one")
            await asyncio.sleep(RETRY_S)

    async def _follow_agent(self) -> int | None:
        """Run an agent until it ends or has to be replaced. Returns its exit code, None if it was replaced."""
        argv = [sys.executable, "-m", "stream_manager.jack.agent", str(self._interval_s), *self._suffixes]
        pipe = asyncio.subprocess.PIPE
        env = jack_env(self._server)
        self._agent_is_open = False
        async with child_process(argv, name="jack-agent", env=env, stdout=pipe, grace_s=CLIENT_GRACE_S) as agent:
            assert agent.process.stdout is not None
            try:
                await self._read(agent.process.stdout)
                return await agent.wait()
            except _AgentFailedError as error:
                log.warning("the JACK agent %s; replacing it", error)
                agent.kill()  # a hung or suspended process does not respond to TERM
                return None
            finally:
                self.quiet = frozenset()
                if self._agent_is_open:  # it may have to wait for other clients that are being closed
                    agent.kill()

    async def _read(self, lines: asyncio.StreamReader) -> None:
        """Follow the messages of an agent until it ends. Raises _AgentFailedError."""
        rate_hz: int | None = None
        ports: set[str] = set()
        timeout_s = START_TIMEOUT_S
        while message := await _message(lines, timeout_s):
            timeout_s = BEAT_TIMEOUT_S
            match message:
                case Connected(rate):
                    rate_hz, self._agent_is_open = rate, True
                    self._log_connected(rate)
                    await self._set_stalled(False)  # it has answered; a beat reports if its cycles have stopped
                case PortChanges(added, removed, is_last):
                    ports = (ports - set(removed)) | set(added)
                    if is_last and (rate_hz != self.rate_hz or ports != self.ports):
                        await self._set(rate_hz, frozenset(ports))
                case AgentBeat() as beat:
                    await self._process(beat, connected=rate_hz is not None)
                case Signals() as measured:
                    self._add(measured)

    def _add(self, measured: Signals) -> None:
        try:
            self.signals.add(measured.measurements())
        except ValueError:
            raise _AgentFailedError("sent a malformed message") from None

    async def _process(self, beat: AgentBeat, *, connected: bool) -> None:
        """Process a beat. Only a `connected` agent can know that the server runs again."""
        self.quiet = frozenset(beat.quiet)
        self.xruns += beat.xruns
        if beat.late_s > 0:
            self._on_late(beat.late_s)
        if beat.stalled != self.stalled and (connected or beat.stalled):
            await self._set_stalled(beat.stalled)
        if beat.busy_s > BUSY_TIMEOUT_S and not (connected and beat.stalled):
            raise _AgentFailedError(f"has waited {beat.busy_s:.0f} s for the JACK server")

    async def _set_stalled(self, stalled: bool) -> None:
        if self.up and stalled != self.stalled:
            level = logging.WARNING if stalled else logging.INFO
            log.log(level, "the JACK server %r %s", self._server, "is stalled" if stalled else "runs again")
        async with self._changed:
            self.stalled = stalled
            self._changed.notify_all()

    def _log_connected(self, rate_hz: int) -> None:
        log.info("connected to the JACK server %r at %d Hz", self._server, rate_hz)
        if rate_hz != self._expected_rate_hz:
            log.warning("the settings specify a sample rate of %d Hz", self._expected_rate_hz)

    async def _set(self, rate_hz: int | None, ports: frozenset[str]) -> None:
        self.signals.forget(self.ports - ports)
        async with self._changed:
            self.rate_hz, self.ports = rate_hz, ports
            self.stalled = self.stalled and rate_hz is not None
            self._changed.notify_all()


async def _message(lines: asyncio.StreamReader, timeout_s: float) -> AgentMessage | None:
    """The next message of an agent; None if it has ended."""
    try:
        async with asyncio.timeout(timeout_s):
            line = await lines.readline()
    except TimeoutError:
        raise _AgentFailedError(f"gave no sign of life for {timeout_s:.0f} s") from None
    if not line.endswith(b"\n"):  # it was killed within a line
        return None
    try:
        return MESSAGES.decode(line)
    except (ValueError, KeyError, TypeError):
        raise _AgentFailedError("sent a malformed message") from None
