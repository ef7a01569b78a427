"""The subscriptions of clients: the receivers of an event, without matching every glob again. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
import re
import unicodedata
from functools import cached_property

from tidzam.protocol.analyzer import EventName, Subscribe

_MOST_CACHED = 4096


class Names:
    """A set of names given by globs. Each name is matched once, and then remembered."""

    def __init__(self, globs: tuple[str, ...]) -> None:
        self._globs = tuple(unicodedata.normalize("NFC", glob) for glob in globs)  # as labels are
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            known = self._known[name] = name in self._literals or any(glob.match(name) for glob in self._patterns)
        return known

    @cached_property
    def _literals(self) -> frozenset[str]:
        return frozenset(self._globs)

    @cached_property
    def _patterns(self) -> list[re.Pattern[str]]:
        """Compiled when they are first needed: a client may subscribe often, but only its last subscription counts."""
        return [re.compile(fnmatch.translate(glob)) for glob in self._globs if any(mark in glob for mark in "*?[")]


class Subscription:
    """A subscription, shared by all clients with the same filters."""

    def __init__(self, asked: Subscribe) -> None:
        self.events = frozenset(asked.events)
        self._channels, self._classes = Names(asked.channels), Names(asked.classes)

    def has_channel(self, channel: str) -> bool:
        """Whether it covers events of `channel`."""
        return channel in self._channels

    def includes(self, event: EventName, channel: str, classes: tuple[str, ...]) -> bool:
        """Whether it covers an event of `channel` that names `classes`."""
        return event in self.events and self.has_channel(channel) and any(name in self._classes for name in classes)


class Subscriptions:
    """The subscriptions of all clients, by the room of the clients that share each."""

    def __init__(self) -> None:
        self._room_of: dict[str, str] = {}
        self._subscriptions: dict[str, Subscription] = {}

    def put(self, sid: str, asked: Subscribe) -> tuple[str | None, str]:
        """Replace a client's subscription; returns the room it leaves, if any, and its new one."""
        left = self.drop(sid)
        room = f"subscribed {hashlib.sha256(asked.model_dump_json().encode()).hexdigest()}"
        self._room_of[sid] = room
        self._subscriptions.setdefault(room, Subscription(asked))
        return left, room

    def drop(self, sid: str) -> str | None:
        """Forget a client's subscription; returns the room it leaves, if any."""
        room = self._room_of.pop(sid, None)
        if room is not None and room not in self._room_of.values():
            del self._subscriptions[room]
        return room

    def rooms(self, event: EventName, channel: str, classes: tuple[str, ...]) -> list[str]:
        """The rooms that get an event of `channel` that names `classes`."""
        return [
            room for room, subscription in self._subscriptions.items() if subscription.includes(event, channel, classes)
        ]

    def rooms_of(self, event: EventName, channel: str) -> list[str]:
        """The rooms that get an event of `channel`, whatever its classes."""
        return [
            room
            for room, subscription in self._subscriptions.items()
            if event in subscription.events and subscription.has_channel(channel)
        ]

    def rooms_for(self, event: EventName) -> list[str]:
        """The rooms that get an event which concerns no channel."""
        return [room for room, subscription in self._subscriptions.items() if event in subscription.events]
