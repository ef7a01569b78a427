"""Which source is to play under each name: the profile's, a permanent one of a client, or a guest.

Pure. A guest (a source of a client that is not permanent) plays in place of what is permanent under its name, and a
client's permanent source in place of the profile's. A replaced source is restored when its replacement is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tidzam.config import SourceSettings
from tidzam.config.recording import DefaultRecordSettings
from tidzam.config.settings import StreamManagerSettings
from tidzam.errors import RequestError
from tidzam.protocol.source_status import SourceOrigin
from tidzam.scrub import scrub_address

FORMER_CLIENT = ""
"""The owner of a permanent source that a client loaded in an earlier run."""


@dataclass(frozen=True)
class SourceEntry:
    """A source, and the client that loaded it; None for the profile's own.

    A `trusted` source may open addresses on this machine and private networks: those of the profile may, and those of
    clients that presented the token, also if they are loaded again in a later run.
    """

    settings: SourceSettings
    owner: str | None = None
    trusted: bool = True

    @property
    def name(self) -> str:
        return self.settings.name

    def status_fields(self) -> dict[str, Any]:
        """What the status of the source says about the entry."""
        return {
            "origin": SourceOrigin.PROFILE if self.owner is None else SourceOrigin.CLIENT,
            "is_permanent": self.settings.is_permanent,
            "is_url_complete": scrub_address(self.settings.url or "") == (self.settings.url or ""),
            "loop": self.settings.loop,
            "format": self.settings.format,
            "selected": self.settings.channels,
        }

    @property
    def is_guest(self) -> bool:
        return self.owner is not None and not self.settings.is_permanent


class SourceRegistry:
    """The sources to play whenever no guest plays."""

    def __init__(self) -> None:
        self.profile: dict[str, SourceEntry] = {}
        self.kept: dict[str, SourceEntry] = {}
        """Permanent sources of clients."""
        self.dismissed: set[str] = set()
        """Names of the profile's sources that were unloaded or have ended normally."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.profile, *self.kept)))

    def entries(self, name: str) -> tuple[SourceEntry, ...]:
        """The sources to play under `name`, in order of preference: the next one is tried if one is refused."""
        kept, own = self.kept.get(name), self.profile.get(name)
        if name in self.dismissed:
            own = None
        return tuple(entry for entry in (kept, own) if entry is not None)

    def with_channel_names(self, settings: SourceSettings) -> SourceSettings:
        """A client's `settings`, with the names that the profile gives the channels of the source of that name."""
        own = self.profile.get(settings.name)
        if own is None or settings.channel_names:
            return settings
        return settings.model_copy(update={"channel_names": own.settings.channel_names})

    def recordable(self, settings: SourceSettings, default: DefaultRecordSettings) -> SourceSettings:
        """`settings`, with how the source is recorded if it is: as the profile's source of that name, or as `default`.

        Past recordings that are played again are not recorded, nor is what is not decoded.
        """
        if settings.record is not None or settings.date is not None or settings.format == "copy":
            return settings
        own = self.profile.get(settings.name)
        record = default if own is None or own.settings.record is None else own.settings.record
        return settings.model_copy(update={"record": record})

    def origin(self, entry: SourceEntry) -> SourceEntry | None:
        """The entry whose address is played live for `entry`: its own, or that of the profile's source `database`.

        None if neither has one.
        """
        seen: set[str] = set()
        origin: SourceEntry | None = entry
        while origin is not None and (database := _live_database(origin.settings)) is not None:
            origin = self.profile.get(database) if database not in seen else None
            seen.add(database)
        return origin

    def missing(self, present: Iterable[str]) -> tuple[str, ...]:
        """Permanent sources of the profile for which no source is loaded and none was refused."""
        permanent = (name for name, entry in self.profile.items() if entry.settings.is_permanent)
        known = set(present)
        return tuple(name for name in permanent if name not in known)

    def dismiss(self, entry: SourceEntry) -> None:
        """Do not restore `entry` any more: it was unloaded, or it ended."""
        if entry.owner is None:
            self.dismissed.add(entry.name)
        elif not entry.is_guest:
            self.kept.pop(entry.name, None)

    def require_room(
        self, wanted: SourceEntry, loaded: Mapping[str, SourceEntry], limits: StreamManagerSettings
    ) -> None:
        """Raises RequestError (code "too_many_sources") if `wanted` would exceed the limits of a client."""
        kept = len(self.kept.keys() - {wanted.name})
        if wanted.settings.is_permanent and kept >= limits.max_permanent_sources:
            raise _too_many("Clients have", kept, "permanent sources", "max_permanent_sources")
        own = sum(entry.owner == wanted.owner and name != wanted.name for name, entry in loaded.items())
        if own >= limits.max_client_sources:
            raise _too_many("This client has", own, "sources", "max_client_sources")


def _live_database(settings: SourceSettings) -> str | None:
    """The source whose live address is played, if there is no own one."""
    return None if settings.has_origin else settings.database


def _too_many(subject: str, count: int, kind: str, setting: str) -> RequestError:
    return RequestError(
        f"{subject} loaded {count} {kind}, the limit of stream_manager.{setting}.",
        hint="Unload one first, or raise the limit in the profile.",
        code="too_many_sources",
        field="name",
    )
