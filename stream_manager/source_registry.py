"""Which source is to play under each name: the profile's, one that a client loaded permanently, or a guest.

Pure. A guest (a source of a client that is not permanent) plays in place of what is permanent under its name, and a
client's permanent source in place of the profile's. Whatever was replaced returns when what replaced it has gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tidzam.config import SourceSettings
from tidzam.config.settings import StreamManagerSettings
from tidzam.errors import RequestError

FORMER_CLIENT = ""
"""The owner of a permanent source that was loaded by a client of an earlier run."""


@dataclass(frozen=True)
class SourceEntry:
    """A source, and the client that loaded it; None for the profile's own.

    `trusted` says that it may open addresses of this machine and of private networks: the profile's may, and those of
    clients that presented the token. What was permanent in an earlier run was allowed then.
    """

    settings: SourceSettings
    owner: str | None = None
    trusted: bool = True

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def is_guest(self) -> bool:
        return self.owner is not None and not self.settings.is_permanent


class SourceRegistry:
    """What is to play whenever no guest does."""

    def __init__(self) -> None:
        self.profile: dict[str, SourceEntry] = {}
        self.kept: dict[str, SourceEntry] = {}
        """Permanent sources of clients."""
        self.dismissed: set[str] = set()
        """Names of the profile's sources that were unloaded, or that ended as they were meant to."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.profile, *self.kept)))

    def entries(self, name: str) -> tuple[SourceEntry, ...]:
        """What is to play under `name`, best first: each is tried if the one before it is refused."""
        kept, own = self.kept.get(name), self.profile.get(name)
        if name in self.dismissed:
            own = None
        return tuple(entry for entry in (kept, own) if entry is not None)

    def missing(self, present: Iterable[str]) -> tuple[str, ...]:
        """Permanent sources of the profile under whose name nothing is loaded, and nothing was refused."""
        permanent = (name for name, entry in self.profile.items() if entry.settings.is_permanent)
        known = set(present)
        return tuple(name for name in permanent if name not in known)

    def dismiss(self, entry: SourceEntry) -> None:
        """Keep `entry` from returning: it was unloaded, or it ended."""
        if entry.owner is None:
            self.dismissed.add(entry.name)
        elif not entry.is_guest:
            self.kept.pop(entry.name, None)

    def require_room(
        self, wanted: SourceEntry, loaded: Mapping[str, SourceEntry], limits: StreamManagerSettings
    ) -> None:
        """Raises RequestError (code "too_many_sources") if a client may not load `wanted` beside what it has."""
        kept = len(self.kept.keys() - {wanted.name})
        if wanted.settings.is_permanent and kept >= limits.max_permanent_sources:
            raise _too_many("Clients have", kept, "permanent sources", "max_permanent_sources")
        own = sum(entry.owner == wanted.owner and name != wanted.name for name, entry in loaded.items())
        if own >= limits.max_client_sources:
            raise _too_many("This client has", own, "sources", "max_client_sources")


def _too_many(who: str, count: int, what: str, setting: str) -> RequestError:
    return RequestError(
        f"{who} loaded {count} {what}, and no more are allowed (stream_manager.{setting}).",
        hint="Unload one first, or raise that setting in the profile.",
        code="too_many_sources",
        field="name",
    )
