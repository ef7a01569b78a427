"""Reports each source's start time, native sample rate and recorded time to the analyzer, which cannot learn them from
JACK, and receives what the analyzer reports about speech."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import socketio

from tidzam.process import RestartPolicy
from tidzam.protocol.analyzer import JACK_SOURCE, JackSource, jack_sources
from tidzam.protocol.messages import wire_time
from tidzam.protocol.source_status import SourceStatus

log = logging.getLogger(__name__)

_POLL_S: Final = 0.25
"""A source's rate is known before it plays, and must reach the analyzer before the first window is complete."""
_ANSWER_TIMEOUT_S: Final = 5.0
_MAX_SOURCES_PER_EVENT: Final = 200
_POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=1.0, stable_after_s=5.0)
"""Until it is connected, the analyzer takes recordings for what happens now."""

Known = Mapping[str, JackSource]


def known_sources(statuses: Iterable[SourceStatus]) -> Known:
    """What to report to the analyzer. Live streams share a source but no sample rate: each is reported by its port."""
    reports = (report for status in statuses for report in jack_sources(status))
    return {report.name: report for report in reports}


def changes(reported: Known, now: Known) -> tuple[JackSource, ...]:
    """What to report after `reported`: each source that changed, and each removed one, without a rate."""
    gone = tuple(JackSource(name=name) for name in reported if name not in now)
    return (*gone, *(source for name, source in now.items() if reported.get(name) != source))


def event_data(sources: Iterable[JackSource]) -> list[dict[str, Any]]:
    """The JackSource event as it is sent."""
    return [
        {
            "name": source.name,
            "starting_time": source.starting_time and wire_time(source.starting_time),
            "rate_hz": source.rate_hz,
            **({"frame": source.frame, "is_recorded": True} if source.is_recorded else {}),
        }
        for source in sources
    ]


class AnalyzerLink:
    """Keeps a connection to the analyzer at `url`, and reports what `statuses` returns, whenever it changes.

    Everything is reported again after a reconnection. Without an analyzer it keeps trying, and logs that once. It uses
    no proxy. `token` is sent in case the analyzer requires one. `on_speech` receives what the analyzer reports about
    speech.
    """

    def __init__(
        self,
        url: str,
        statuses: Callable[[], Iterable[SourceStatus]],
        *,
        token: str | None = None,
        on_speech: Callable[[Any], None] | None = None,
    ) -> None:
        self._url = url if "://" in url else f"http://{url}"
        self._statuses, self._token, self._on_speech = statuses, token, on_speech
        self._problem = ""

    async def run(self) -> None:
        """Run until cancelled."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            try:
                await self._stay_connected()
            except (socketio.exceptions.SocketIOError, OSError, TimeoutError) as error:
                self._report(f"no connection: {str(error)[:200] or type(error).__name__}", logging.INFO)
            except Exception:  # no fault in this connection may affect the sources
                log.exception("the connection to the analyzer failed")
            failures = _POLICY.failures_after(failures, loop.time() - started)
            await asyncio.sleep(_POLICY.delay_s(failures))

    async def _stay_connected(self) -> None:
        """Run one connection until it ends."""
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)  # its handler would replace ours
        auth = {"token": self._token} if self._token else None
        try:
            await client.connect(self._url, auth=auth, wait_timeout=_ANSWER_TIMEOUT_S)
            if self._on_speech is not None:
                client.on("speech", self._on_speech)
                await client.call("subscribe", {"events": ["speech"], "mute_sys": True}, timeout=_ANSWER_TIMEOUT_S)
            reported: Known = {}
            while client.connected:
                now = known_sources(self._statuses())
                await self._send(client, changes(reported, now))
                reported = now
                await asyncio.sleep(_POLL_S)
        finally:
            await client.disconnect()

    async def _send(self, client: socketio.AsyncClient, sources: tuple[JackSource, ...]) -> None:
        for start in range(0, len(sources), _MAX_SOURCES_PER_EVENT):
            data = event_data(sources[start : start + _MAX_SOURCES_PER_EVENT])
            answer = await client.call(JACK_SOURCE, data, timeout=_ANSWER_TIMEOUT_S)
            refused = isinstance(answer, dict) and answer.get("ok") is False
            self._report(f"the analyzer refused: {str(answer.get('error'))[:200]}" if refused else "")

    def _report(self, problem: str, level: int = logging.WARNING) -> None:
        """Log a problem once, and once when it is resolved."""
        if problem == self._problem:
            return
        if problem:
            log.log(level, "cannot report the sources to the analyzer at %s: %s", self._url, problem)
        else:
            log.info("reporting the sources to the analyzer at %s", self._url)
        self._problem = problem
