"""Microphones of browsers: their audio comes in requests, and goes on to the stream manager as live streams."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import socketio
from pydantic import Field

from console.accounts.visitor import Visitor
from console.services.models import ConsoleModel
from console.services.node_monitor import NodeMonitor
from console.services.stream_manager_link import CONNECT_TIMEOUT_S, StreamManagerLink, answer_of, manager_away
from tidzam.accounts.audit import Actor, AuditAction, record
from tidzam.aio import in_background
from tidzam.errors import RequestError, StoreError
from tidzam.protocol.live_streams import AUDIO_EVENT, HIGHEST_RATE_HZ, LOWEST_RATE_HZ, LiveStreamAdded
from tidzam.protocol.messages import parse
from tidzam.store.database import Store

log = logging.getLogger(__name__)

MOST: Final = 10
MOST_EACH: Final = 2
"""Microphones of all visitors, and of one."""
IDLE_S: Final = 10.0
"""A microphone that sends nothing for this long has gone."""
PACKET_S: Final = 0.2
"""The length of a packet to the stream manager."""
MOST_BYTES: Final = 480_000
"""What one request may hold: five seconds at 48 kHz."""
_ANSWER_TIMEOUT_S: Final = 10.0
_LOOK_S: Final = 1.0
_NOT_KEPT: Final = frozenset({"storage_off", "storage_full", "storage_failed"})
"""Refusals after which the audio is played nevertheless."""


class NewMicrophone(ConsoleModel):
    """A microphone that is about to send."""

    rate_hz: int = Field(ge=LOWEST_RATE_HZ, le=HIGHEST_RATE_HZ, description="Its sample rate")
    is_kept: bool = Field(False, description="Keep a recording on the node")


class MicrophoneView(ConsoleModel):
    """A microphone that is a live source now."""

    id: str = Field(description="Where its audio is sent: `/api/v1/microphones/{id}/audio`")
    port: str = Field(description="Its JACK port, by which detections name it")
    mount: str | None = Field(description="Name below `/api/v1/listen` at which it is heard")


class MicrophoneState(ConsoleModel):
    """What became of the audio that was sent so far. The figures are a few seconds old."""

    received_s: float = Field(description="Seconds that arrived at the console")
    gaps: int = Field(description="How often too little had arrived in time")
    gap_s: float = Field(description="Seconds of silence that were played meanwhile")
    dropped_s: float = Field(description="Seconds that were dropped because more was sent than can be buffered")
    recording: str | None = Field(description="The file to which it is being recorded")
    problem: str | None = Field(description="Why it is not recorded, if it should be")


@dataclass
class _Microphone:
    """One that is open: its connection to the stream manager, which ends the stream when it is closed."""

    id: str
    owner: str
    actor: Actor
    client: Any
    added: LiveStreamAdded
    wanted: NewMicrophone
    last_s: float
    received_s: float = 0.0
    problem: str | None = None
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)


class Microphones:
    """The microphones that are open. Each has a connection of its own to the stream manager of `link`. When one begins
    and ends is in the audit log of `store`."""

    def __init__(
        self, link: StreamManagerLink, monitor: NodeMonitor, *, store: Store, now: Callable[[], datetime]
    ) -> None:
        self._link, self._monitor, self._store, self._now = link, monitor, store, now
        self._open: dict[str, _Microphone] = {}
        self._beginning: list[str] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End those that have gone, for as long as the context is open; then all."""
        try:
            async with in_background(self._look_after(), name="microphones"):
                yield
        finally:
            for microphone in list(self._open.values()):
                await self._close(microphone)

    async def begin(self, visitor: Visitor, wanted: NewMicrophone) -> MicrophoneView:
        """A new live stream. Raises RequestError with the reason why there is none, and StoreError."""
        owner = visitor.key
        taken = [*self._beginning, *(one.owner for one in self._open.values())]
        if len(taken) >= MOST or taken.count(owner) >= MOST_EACH:
            hint = "Stop one first."
            raise RequestError("Too many microphones are open already.", hint=hint, code="too_many_streams")
        self._beginning.append(owner)
        try:
            client, added = await self._connected()
            try:
                kept = "yes" if wanted.is_kept else "no"
                await self._record(visitor.actor, AuditAction.MICROPHONE_BEGUN, added.portname, recorded=kept)
            except BaseException:
                await client.disconnect()
                raise
        finally:
            self._beginning.remove(owner)
        now_s = asyncio.get_running_loop().time()
        microphone = _Microphone(secrets.token_hex(16), owner, visitor.actor, client, added, wanted, now_s)
        self._open[microphone.id] = microphone
        log.info("%s streams a microphone as %s", visitor.name or visitor.address, added.portname)
        mount = added.mounts[0].rpartition("/")[2] if added.mounts else None
        return MicrophoneView(id=microphone.id, port=added.portname, mount=mount)

    async def send(self, visitor: Visitor, number: str, pcm: bytes) -> MicrophoneState:
        """Pass on audio, in 16-bit PCM; it returns when the stream manager has taken it.

        Raises RequestError, also if audio of an earlier request has not been taken yet.
        """
        microphone = self._find(visitor, number)
        if len(pcm) % 2:
            raise RequestError("The audio is not a whole number of 16-bit samples.", code="request")
        if microphone.sending.locked():
            hint = "Send one request at a time."
            raise RequestError("The audio sent before is not taken yet.", hint=hint, code="rate_limited")
        async with microphone.sending:
            microphone.last_s = asyncio.get_running_loop().time()
            await self._pass_on(microphone, pcm)
            microphone.last_s = asyncio.get_running_loop().time()
        return self._state(microphone)

    async def end(self, visitor: Visitor, number: str) -> None:
        """End a live stream. Raises RequestError (`not_found`)."""
        await self._close(self._find(visitor, number))

    async def _connected(self) -> tuple[Any, LiveStreamAdded]:
        """A connection with a live stream."""
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        try:
            await client.connect(self._link.url, auth=self._link.credentials, wait_timeout=CONNECT_TIMEOUT_S)
            answer = await client.call("sys", {"sys": {"add_livestream": ""}}, timeout=_ANSWER_TIMEOUT_S)
            return client, parse(LiveStreamAdded, answer_of(answer))
        except (socketio.exceptions.SocketIOError, OSError, TimeoutError):
            await client.disconnect()
            raise manager_away() from None
        except BaseException:
            await client.disconnect()
            raise

    async def _pass_on(self, microphone: _Microphone, pcm: bytes) -> None:
        wanted = microphone.wanted
        size = 2 * max(1, int(PACKET_S * wanted.rate_hz))
        for first in range(0, len(pcm), size):
            part = pcm[first : first + size]
            packet = {"buffer": part, "samplerate": wanted.rate_hz, "storage": wanted.is_kept}
            try:
                answer = await microphone.client.call(AUDIO_EVENT, packet, timeout=_ANSWER_TIMEOUT_S)
            except (socketio.exceptions.SocketIOError, OSError, TimeoutError):
                await self._close(microphone)
                raise manager_away() from None
            microphone.received_s += len(part) / 2 / wanted.rate_hz
            refusal = answer["error"] if isinstance(answer, dict) and answer.get("ok") is False else None
            if refusal is not None and refusal["code"] not in _NOT_KEPT:
                raise RequestError(refusal["message"], code=refusal["code"], field=refusal["field"])
            microphone.problem = None if refusal is None else refusal["message"]

    def _state(self, microphone: _Microphone) -> MicrophoneState:
        health = self._monitor.manager_health
        streams = () if health is None else (stream for source in health.sources for stream in source.live_streams)
        own = next((stream for stream in streams if stream.port == microphone.added.portname), None)
        return MicrophoneState(
            received_s=round(microphone.received_s, 3),
            gaps=own.gaps if own else 0,
            gap_s=own.gap_s if own else 0.0,
            dropped_s=own.dropped_s if own else 0.0,
            recording=own.recording if own else None,
            problem=microphone.problem,
        )

    def _find(self, visitor: Visitor, number: str) -> _Microphone:
        """A microphone of this visitor. Raises RequestError (`not_found`)."""
        found = self._open.get(number)
        if found is None or found.owner != visitor.key:
            hint = "Start it again."
            raise RequestError("There is no such microphone, or it has ended.", hint=hint, code="not_found")
        return found

    async def _close(self, microphone: _Microphone) -> None:
        was_open = self._open.pop(microphone.id, None) is not None
        await microphone.client.disconnect()
        if not was_open:
            return
        port, received = microphone.added.portname, f"{microphone.received_s:.1f} s"
        log.info("the microphone %s has ended", port)
        try:
            await self._record(microphone.actor, AuditAction.MICROPHONE_ENDED, port, received=received)
        except StoreError as error:
            log.error("that a microphone has ended is not in the audit log: %s", error)

    async def _record(self, actor: Actor, action: AuditAction, port: str, **detail: str) -> None:
        """Raises StoreError."""

        def write() -> None:
            with self._store.write() as session:
                record(session, actor, action, port, now=self._now(), **detail)

        await asyncio.to_thread(write)

    async def _look_after(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK_S)
            for microphone in list(self._open.values()):
                if loop.time() - microphone.last_s > IDLE_S and not microphone.sending.locked():
                    await self._close(microphone)
