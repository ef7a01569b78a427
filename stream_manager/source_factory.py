"""Makes sources from their settings: what they open, which players may play it, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping

from stream_manager.network.address import SCHEMES
from stream_manager.network.media_url import resolve_media
from stream_manager.outputs.registry import OutputType, load_outputs, output_names
from stream_manager.outputs.stream_copy import COPY_OUTPUTS, COPY_PLAYERS
from stream_manager.players.registry import AUTO, PlayerType, load_players
from stream_manager.replay import Replay
from stream_manager.services import Services
from stream_manager.source import Source
from stream_manager.source_registry import SourceEntry, SourceRegistry
from tidzam.addresses import is_address, scheme_of
from tidzam.config import SourceSettings
from tidzam.config.settings import StreamManagerSettings
from tidzam.errors import ConfigError, RequestError


class SourceFactory:
    """Makes the source of an entry. `registry` knows the entries whose addresses or names others use."""

    def __init__(self, services: Services, settings: StreamManagerSettings, registry: SourceRegistry) -> None:
        self._services, self._settings, self._registry = services, settings, registry

    def source(self, entry: SourceEntry) -> Source:
        """The source of `entry`, not running yet. Raises TidzamError if playing it cannot even be attempted."""
        _require_rendered(entry.settings)
        replay, origin = self._replay(entry.settings), self._registry.origin(entry)
        if origin is None and replay is None:
            hint = "Choose one of the profile's sources with an address, or add a url."
            message = f"Source {entry.name} has no address, and {entry.settings.database} has none either."
            raise RequestError(message, hint=hint, field="database")
        settings = self._registry.recordable(entry.settings, self._settings.record)
        return Source(
            entry,
            self._resolved(origin) if origin is not None else "",
            self._services,
            players={} if origin is None else players_for(origin.settings, is_copied=entry.settings.format == "copy"),
            settings=settings,
            outputs=self._outputs(settings),
            replaces_profile=entry.owner is not None and entry.name in self._registry.profile,
            origin=origin,
            replay=replay,
        )

    def _replay(self, settings: SourceSettings) -> Replay | None:
        """The recordings to be played first, if any. Raises RequestError if there is no such database."""
        if settings.database is None or settings.date is None:
            return None
        return Replay.of(self._services.databases.find(settings.database), settings.date)

    def _outputs(self, settings: SourceSettings) -> Mapping[str, OutputType]:
        """Raises ConfigError for an unknown output."""
        is_recorded = self._services.recordings.has_recorder(settings)
        names = output_names(settings, self._settings.outputs, is_recorded=is_recorded)
        return COPY_OUTPUTS if settings.format == "copy" else load_outputs(names)

    def _resolved(self, entry: SourceEntry) -> str:
        """What the player of `entry` opens. Raises RequestError."""
        settings, trusted = entry.settings, entry.owner is None
        url = settings.url or ""
        is_players_own = not url or (is_address(url) and scheme_of(url) not in SCHEMES)
        if trusted and settings.player_name != AUTO and is_players_own:
            return url
        return resolve_media(url, self._settings.media_roots, trusted=trusted)


def _require_rendered(settings: SourceSettings) -> None:
    if settings.demo is not None and settings.url is None:
        hint = "Start the node with `tidzam start`, which renders it, or set a url."
        message = f"The demo source {settings.name} has not been rendered."
        raise ConfigError(message, hint=hint, code="source_not_rendered")


def players_for(settings: SourceSettings, *, is_copied: bool) -> Mapping[str, PlayerType]:
    """What may play the address of `settings`. Raises ConfigError for an unknown player."""
    return COPY_PLAYERS if is_copied else load_players(settings.player_name)
