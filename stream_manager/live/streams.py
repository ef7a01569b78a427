"""Live streams: audio that clients send, played on the ports of the source `tidzam-livestreams`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal, Never

from stream_manager.jack.openings import Opener
from stream_manager.live.gaps import LiveGaps
from stream_manager.live.process import LiveProcess, LiveProcessError, live_process
from stream_manager.live.recordings import LiveRecordings
from stream_manager.live.registry import LiveStream, LiveStreamRegistry
from stream_manager.live.status import source_status
from stream_manager.live.storage import LiveStorage
from stream_manager.outputs.registry import OutputType
from stream_manager.outputs.runner import SourceOutputs
from stream_manager.services import Services
from tidzam.aio import first_completed
from tidzam.config import SourceSettings
from tidzam.errors import JackError
from tidzam.jack.live_protocol import FrameKind, LiveFrame, LiveMessage, LivePortOptions, SlotClosed, SlotStatus
from tidzam.naming import LIVE_SOURCE
from tidzam.process import RestartPolicy
from tidzam.protocol.live_streams import Audio, LiveStreamAdded
from tidzam.protocol.source_status import SourceStatus

log = logging.getLogger(__name__)

POLICY: Final = RestartPolicy(first_delay_s=0.3, max_delay_s=10.0, stable_after_s=10.0)
TICK_S: Final = 0.25
LINGER_S: Final = 3.0
"""For how long the process and the outputs stay after the last stream: clients come back."""
PAUSE_S: Final = 2.0
"""A recording ends when no audio has arrived for this long, so that its times remain true."""
PORT_TIMEOUT_S: Final = 10.0
REFUSED_S: Final = 5.0
"""After JACK has refused a port to a client, how long it is not asked again for that client."""


class LiveSourceSettings(SourceSettings):
    """The settings of the source of live streams, whose name no other source may have."""

    name: Literal["tidzam-livestreams"] = LIVE_SOURCE
    player: str = "live"
    mounts: Literal["always", "on-demand"] | None = "on-demand"


class LiveStreams:
    """The live streams of all clients. While there are none, nothing runs for them.

    All methods but `run` are called by requests; none of them waits for a stream that hangs.
    """

    def __init__(self, services: Services, outputs: Mapping[str, OutputType], storage: LiveStorage) -> None:
        self._services = services
        self._settings = services.settings.live_streams
        self._registry = LiveStreamRegistry(services.settings.live_ports)
        self._outputs = SourceOutputs(outputs, LiveSourceSettings(), services)
        self._process: LiveProcess | None = None
        self._wanted = asyncio.Event()
        self._refused: dict[str, tuple[float, str]] = {}
        self._gaps = LiveGaps(services.gaps)
        ports, length_s = services.settings.live_ports, self._settings.recording_length_s
        self._recordings = LiveRecordings(storage, ports=ports, length_s=length_s)
        self.restarts = 0

    def receive(self, client: str, audio: Audio) -> None:
        """Play a packet of a client. Its first packet begins its stream.

        Audio that exceeds what may be buffered is dropped and counted. Raises RequestError if all ports are in use,
        JackError while the JACK server is away, and RequestError if the audio is to be stored and cannot be, although
        it is played.
        """
        stream, now_s = self._stream(client), time.monotonic()
        duration_s = len(audio.buffer) / 2 / audio.samplerate
        stream.last_audio_s, stream.rate_hz = now_s, audio.samplerate
        stream.received_s += duration_s
        if not stream.budget.admits(duration_s, now_s):
            stream.drop(duration_s)
            return
        frame = LiveFrame(FrameKind.AUDIO, stream.slot, audio.samplerate, audio.buffer)
        if self._process is None:
            stream.drop(stream.pending.add(frame))
        elif not self._process.send(frame):
            stream.drop(duration_s)
        self._recordings.take(stream, audio)

    async def add(self, client: str) -> LiveStreamAdded:
        """Begin the stream of a client, if it has none, and wait for its port. Raises RequestError and JackError."""
        stream = self._stream(client)
        graph = self._services.graph
        try:
            async with asyncio.timeout(PORT_TIMEOUT_S):
                await first_completed(graph.until(lambda g: stream.port in g.ports), stream.gone.wait())
        except TimeoutError:
            message = f"The port of the live stream has not appeared within {PORT_TIMEOUT_S:.0f} s."
            raise JackError(message, hint="See the log of the stream manager.", code="live_port_missing") from None
        self._require_port(client)
        return LiveStreamAdded(
            portname=stream.port, mounts=self._outputs.addresses[stream.slot :][:1], rate_hz=graph.rate_hz
        )

    def remove(self, client: str) -> None:
        """End the stream of a client, if it has one. What is buffered is still played."""
        stream = self._registry.of_client(client)
        if stream is not None:
            self._close(stream, "closed")

    def leave(self, client: str) -> None:
        """A client has disconnected."""
        self._refused.pop(client, None)
        self.remove(client)

    def statuses(self) -> tuple[SourceStatus, ...]:
        """The status of the source of all live streams; empty if there are none."""
        streams = tuple(self._registry)
        if not streams:
            return ()
        graph = self._services.graph
        status = source_status(
            streams,
            graph.ports,
            graph.rate_hz,
            mounts=self._outputs.addresses,
            sent_bytes=self._outputs.sent_bytes,
            restarts=self.restarts,
            outputs_ok=not self._outputs.faults(),
        )
        return (status,)

    def _stream(self, client: str) -> LiveStream:
        stream = self._registry.of_client(client)
        if stream is not None:
            return stream
        if not self._services.graph.running:
            raise JackError("The JACK server is not running.", hint="Try again when it is running.", code="jack_away")
        self._require_port(client)
        stream = self._registry.open(
            client, started=datetime.now(UTC), now_s=time.monotonic(), buffer_s=self._settings.buffer_s
        )
        log.info("%s: a client streams to it", stream.port)
        self._gaps.begin(stream.port)
        self._wanted.set()
        if self._process is not None:
            self._process.send(LiveFrame(FrameKind.OPEN, stream.slot))
        return stream

    def _require_port(self, client: str) -> None:
        """Raises JackError if JACK has just refused a port to this client."""
        until_s, reason = self._refused.get(client, (0.0, ""))
        if time.monotonic() < until_s:
            hint = "Unload a source, or raise jack.port_max in the profile."
            raise JackError(f"JACK refuses the port of the live stream: {reason}.", hint=hint, code="jack_full")

    def _close(self, stream: LiveStream, reason: str) -> None:
        log.info("%s: %s after %.1f s of audio", stream.port, reason, stream.received_s)
        self._gaps.end(stream.port)
        self._recordings.finish(stream)
        self._registry.close(stream, time.monotonic())
        if self._process is None or not self._process.send(LiveFrame(FrameKind.CLOSE, stream.slot)):
            self._registry.release(stream.slot)

    async def run(self) -> Never:
        """Run the process whenever there are streams, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick(), name="idle live streams")
                tasks.create_task(self._recordings.complete_leftovers(), name="leftovers of live streams")
                await self._keep_running()
        finally:
            await self._outputs.stop()
            for stream in self._registry:
                self._recordings.finish(stream)
            await self._recordings.finished()

    async def _keep_running(self) -> Never:
        failures = 0
        while True:
            await self._wanted.wait()
            await self._services.graph.until(lambda graph: graph.running)
            began_s = time.monotonic()
            if await self._run_contained():
                failures = 0
                continue
            failures = POLICY.failures_after(failures, time.monotonic() - began_s)
            await asyncio.sleep(POLICY.delay_s(failures))

    async def _run_contained(self) -> bool:
        try:
            return await self._run_once()
        except Exception:  # a fault here must affect neither the sources nor the server
            log.exception("the process of the live streams cannot be run")
            self._interrupted("internal error")
            return False

    async def _run_once(self) -> bool:
        """Run one process until it is no longer needed (True) or has failed."""
        await self._outputs.start(self._services.settings.live_ports)
        async with self._services.openings.turn(LIVE_SOURCE, Opener.LIVE_STREAMS):
            if len(self._registry):
                return await self._run_process()
        self._wanted.clear()  # all clients have left while it waited for its turn
        await self._outputs.stop()
        return True

    async def _run_process(self) -> bool:
        settings, reason = self._services.settings, ""
        options = LivePortOptions(LIVE_SOURCE, settings.live_ports, self._settings.delay_s, self._settings.buffer_s)
        async with live_process(options, self._services.env) as process:
            self._process = process
            for stream in self._registry:
                for frame in (LiveFrame(FrameKind.OPEN, stream.slot), *stream.pending.take()):
                    process.send(frame)
            following = asyncio.ensure_future(self._follow(process))
            graph = self._services.graph
            try:
                ended = await first_completed(following, self._until_unused(), graph.until(lambda g: not g.up))
            finally:
                self._process = None
            if ended == 1:
                await self._outputs.stop()
                return True
            if ended == 0:
                reason = following.result()
            process.kill()  # a hung process ignores TERM, and libjack may wait forever for a server that is gone
        self._interrupted(reason or "the JACK server is gone")
        return False

    async def _follow(self, process: LiveProcess) -> str:
        """Take in what the process reports, until it ends; returns the reason."""
        try:
            async for message in process.messages():
                self._take(message)
                if self._registry.is_stuck(time.monotonic()):
                    return "it does not close a port"
        except LiveProcessError as error:
            return str(error)
        code = await process.wait()
        return process.tail[-1] if process.tail else f"it ended with status {code}"

    def _take(self, message: LiveMessage) -> None:
        if isinstance(message, SlotClosed):
            stream = self._registry.at(message.slot)
            self._registry.release(message.slot)
            if stream is not None:
                self._gaps.end(stream.port)
            if message.reason and stream is not None:
                log.warning("%s: JACK refuses the port: %s", stream.port, message.reason)
                self._recordings.finish(stream)
                self._refused[stream.client or ""] = (time.monotonic() + REFUSED_S, message.reason)
        elif isinstance(message, SlotStatus) and (stream := self._registry.at(message.slot)) is not None:
            if stream.client is not None:
                self._gaps.play(stream.port, stream.status, message)
            stream.status = message

    def _interrupted(self, reason: str) -> None:
        """The process has ended: streams go on in the next one, and those that were being closed are gone."""
        log.warning("the process of the live streams has failed: %s; starting another one", reason)
        self.restarts += 1
        for stream in self._registry:
            stream.interrupt()
            if stream.client is None:
                self._registry.release(stream.slot)
            else:
                self._gaps.interrupt(stream.port)

    async def _until_unused(self) -> None:
        """Return once there have been no streams for LINGER_S, since now at the earliest."""
        last_used_s = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            if len(self._registry):
                last_used_s = time.monotonic()
            elif time.monotonic() - last_used_s > LINGER_S:
                self._wanted.clear()
                return

    async def _tick(self) -> Never:
        """Close streams that have been idle, and end recordings where a pause begins, until cancelled."""
        logged = ""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._look_for_idle(time.monotonic())
            except Exception as error:  # as above
                if repr(error) != logged:
                    log.exception("live streams whose clients are idle cannot be closed")
                logged = repr(error)

    def _look_for_idle(self, now_s: float) -> None:
        timeout_s = self._settings.idle_timeout_s
        for stream in self._registry.idle(now_s, PAUSE_S):
            self._recordings.finish(stream)
        for stream in self._registry.idle(now_s, timeout_s):
            self._close(stream, f"closed because its client has sent nothing for {timeout_s:.0f} s")
