"""Receives the analyzer's events, and connects again whenever the analyzer restarts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, TypeVar

import socketio

from console.live.spectrograms import LiveSpectrograms
from console.live.state import LiveState
from tidzam.errors import RequestError
from tidzam.process import RestartPolicy
from tidzam.protocol.analyzer import AnalysisEvent, DetectionEvent
from tidzam.protocol.messages import parse
from tidzam.protocol.spectrogram import SpectrogramEvent

log = logging.getLogger(__name__)

_ANSWER_TIMEOUT_S: Final = 5.0
_POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=5.0, stable_after_s=10.0)
_Event = TypeVar("_Event", AnalysisEvent, DetectionEvent, SpectrogramEvent)
_EVENTS: Final = ["analysis", "detection"]
_FOLLOW_S: Final = 0.25
"""How often is looked whether somebody wants to see spectrograms."""


class AnalyzerEvents:
    """Passes the events of the analyzer at `url` on to `live`, and to `spectrograms` while these are viewed. Without an
    analyzer it keeps trying, and logs that once.

    `token` is the node's, in case the analyzer requires one. It uses no proxy.
    """

    def __init__(self, url: str, live: LiveState, spectrograms: LiveSpectrograms, *, token: str | None) -> None:
        self._url, self._live, self._spectrograms, self._token = url, live, spectrograms, token
        self._problem: str | None = None

    async def run(self) -> None:
        """Run until cancelled."""
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            started_s = loop.time()
            try:
                await self._stay_connected()
            except (socketio.exceptions.SocketIOError, OSError, TimeoutError, RequestError) as error:
                self._report(str(error)[:200] or type(error).__name__)
            except Exception:  # a fault in this connection must not end the console
                log.exception("the connection to the analyzer failed")
            self._live.set_connected(False)
            failures = _POLICY.failures_after(failures, loop.time() - started_s)
            await asyncio.sleep(_POLICY.delay_s(failures))

    async def _stay_connected(self) -> None:
        """Run one connection until it ends."""
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)  # its handler would replace ours
        client.on("analysis", self._on_analysis)
        client.on("detection", self._on_detection)
        client.on("spectrogram", self._on_spectrogram)
        auth = {"token": self._token} if self._token else None
        try:
            await client.connect(self._url, auth=auth, wait_timeout=_ANSWER_TIMEOUT_S)
            await self._follow_viewers(client)
        finally:
            await client.disconnect()

    async def _follow_viewers(self, client: socketio.AsyncClient) -> None:
        """Subscribe to events until the connection ends, with spectrograms only while these are viewed."""
        subscribed: list[str] | None = None
        while client.connected:
            wanted = [*_EVENTS, "spectrogram"] if self._spectrograms.are_viewed else _EVENTS
            if wanted != subscribed:
                subscription = {"events": wanted, "mute_sys": True}
                answer = await client.call("subscribe", subscription, timeout=_ANSWER_TIMEOUT_S)
                if not isinstance(answer, dict) or answer.get("ok") is not True:
                    raise RequestError(f"The analyzer refused to send its events: {str(answer)[:200]}")
                subscribed = wanted
                self._report(None)
                self._live.set_connected(True)
            await asyncio.sleep(_FOLLOW_S)

    def _on_analysis(self, data: Any) -> None:
        if (event := _parsed(AnalysisEvent, data)) is not None and not event.shadow:
            self._live.add_analysis(event)

    def _on_detection(self, data: Any) -> None:
        if (event := _parsed(DetectionEvent, data)) is not None and not event.shadow:
            self._live.add_detection(event)

    def _on_spectrogram(self, data: Any) -> None:
        if (event := _parsed(SpectrogramEvent, data)) is not None:
            self._spectrograms.add(event)

    def _report(self, problem: str | None) -> None:
        """Log a problem once, and once when it is resolved."""
        if problem and problem != self._problem:
            log.info("no events from the analyzer at %s: %s", self._url, problem)
        elif self._problem and problem is None:
            log.info("receiving the events of the analyzer at %s", self._url)
        self._problem = problem


def _parsed(message: type[_Event], data: Any) -> _Event | None:
    """An event; None for one that this version does not understand, which is logged."""
    try:
        return parse(message, data)
    except RequestError as error:
        log.warning("an event of the analyzer is not understood: %s", error)
        return None
