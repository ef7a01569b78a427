"""Finds out what a source would play, with the checks that loading it makes, and without loading it."""

from __future__ import annotations

import asyncio
from typing import Final

from stream_manager.channel_selection import selected_channels
from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.media import Media, PlayRequest, make_track
from stream_manager.network.allowed_addresses import require_allowed
from stream_manager.network.guarded_url import without_marks
from stream_manager.network.media_url import resolve_media
from stream_manager.players.registry import choose_player, inspect
from stream_manager.services import Services
from stream_manager.source_factory import players_for
from tidzam.config import SourceSettings
from tidzam.errors import RequestError
from tidzam.protocol.source_requests import ProbeSource
from tidzam.protocol.source_status import SourceProbe
from tidzam.scrub import scrub_address

TIMEOUT_S: Final = 25.0
"""How long the answer to a request may take."""
AT_ONCE: Final = 2
"""Addresses that are looked at at the same time; each runs an ffprobe."""
MOST_WAITING: Final = 8
_NAME: Final = "probe"


class SourceProbes:
    """Looks at addresses for clients, a few at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def probe(self, wanted: ProbeSource, *, trusted: bool) -> SourceProbe:
        """What is at the address. A `trusted` client may open any, others none on this machine or a private network.

        Raises RequestError with the reason why it cannot be played, and for an address that is not allowed.
        """
        if self._waiting >= MOST_WAITING:
            raise RequestError("Too many addresses are being tested. Try again later.", code="rate_limited")
        self._waiting += 1
        try:
            async with asyncio.timeout(TIMEOUT_S), self._turns:
                found = await self._look(wanted, trusted=trusted)
        except TimeoutError:
            raise _refused(SourceFailure(SourceFault.UNREACHABLE, f"no answer within {TIMEOUT_S:.0f} s")) from None
        finally:
            self._waiting -= 1
        return SourceProbe(
            channels=found.channels,
            rate_hz=found.rate_hz,
            duration_s=found.duration_s,
            is_live=found.is_live,
            url=scrub_address(without_marks(found.url)),
        )

    async def _look(self, wanted: ProbeSource, *, trusted: bool) -> Media:
        services = self._services.for_client(trusted=trusted)
        settings = SourceSettings(name=_NAME, url=wanted.url, channels=wanted.channels, format=wanted.format)
        request = PlayRequest(
            settings=settings,
            url=resolve_media(wanted.url, services.settings.media_roots, trusted=False),
            channels=selected_channels(wanted.channels),
            allowed=services.allowed_addresses,
        )
        await require_allowed(wanted.url, services.allowed_addresses)
        players = players_for(settings, is_copied=request.is_copied)
        try:
            media = await inspect(request, players, services)
            choose_player(make_track(request, media), players)
        except PlaybackError as error:
            raise _refused(services.explain(error.failure) or error.failure) from None
        return media


def _refused(failure: SourceFailure) -> RequestError:
    sentence = str(failure)
    return RequestError(f"{sentence[:1].upper()}{sentence[1:]}", code=failure.code, field="url")
