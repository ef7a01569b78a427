"""What a record of another node must be like to be stored: values that can be, and names within bounds."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from tidzam.store.database import Store
from tidzam.store.lookups import SEPARATOR
from tidzam.store.records import DetectionRecord
from tidzam.store.tables.models import ClassRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow

MOST_CHANNELS: Final = 1000
"""Channels of a node, those of all its sources together."""
MOST_CLASSES: Final = 1000
"""Classes unknown here that a node may bring until the console is started again."""
_MOST_CHARACTERS: Final = 200
_MOST_OF_ID: Final = 2000
_MOST_OF_CHANNELS: Final = 20_000
"""Characters of a name, of an id, and of what a record says of its channels."""
_MOST_LABELS: Final = 16
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)
"""The clock of a node may be ahead by so much."""
_MOST_WINDOWS: Final = 2**31 - 1
_LEVELS_DBFS: Final = (-400.0, 100.0)


def require_plausible(record: DetectionRecord, now: datetime) -> None:
    """Raises ValueError with the reason if a detection cannot be one."""
    if not all(0 <= one <= 1 for one in (record.peak_probability, record.mean_probability)):
        raise ValueError("a probability is not between 0 and 1")
    if not _EARLIEST <= record.start <= record.end:
        raise ValueError(f"it begins before the year {_EARLIEST.year}, or ends before it begins")
    if record.end > now + _AHEAD:
        raise ValueError("it ends more than a day after now: one of the two clocks is wrong")
    if not 0 <= record.windows <= _MOST_WINDOWS:
        raise ValueError("the number of windows is not possible")
    if record.level_dbfs is not None and not _LEVELS_DBFS[0] <= record.level_dbfs <= _LEVELS_DBFS[1]:
        raise ValueError("the level is not possible")
    _require_texts(record)


def _require_texts(record: DetectionRecord) -> None:
    if len(record.path) > _MOST_LABELS:
        raise ValueError(f"its class has more than {_MOST_LABELS} levels")
    texts = (record.source, record.channel, record.model, record.version, record.time_zone, *record.path)
    if len(record.id) > _MOST_OF_ID or any(len(text) > _MOST_CHARACTERS or not text.isprintable() for text in texts):
        raise ValueError(f"a text has more than {_MOST_CHARACTERS} characters, or some that cannot be printed")
    if not all((record.id, record.source, record.channel, *record.path)):
        raise ValueError("a name is empty")
    try:
        text = json.dumps([dict(one) for one in record.channels], allow_nan=False)
    except ValueError:
        raise ValueError("a number of its channels is not finite") from None
    if len(text) > _MOST_OF_CHANNELS or "\\u0000" in text:
        raise ValueError("what it says of its channels is too long, or has characters that cannot be stored")


class NewNames:
    """Bounds how many channels and classes nodes bring into `store`, which are never deleted. One thread at a time."""

    def __init__(self, store: Store, *, most_channels: int = MOST_CHANNELS, most_classes: int = MOST_CLASSES) -> None:
        self._store, self._most_channels, self._most_classes = store, most_channels, most_classes
        self._channels: dict[str, set[tuple[str, str]]] = {}
        self._classes: set[str] = set()
        self._brought: defaultdict[str, int] = defaultdict(int)

    def take(self, record: DetectionRecord) -> None:
        """Count what is new in a record. Raises ValueError if it is too much."""
        node = record.node.lower()
        channels = self._channels_of(node)
        channel = (record.source, record.channel)
        if channel not in channels and len(channels) >= self._most_channels:
            raise ValueError(f"the node has {len(channels)} channels here already, and {record.channel} is another one")
        new = self._new_classes(record)
        if self._brought[node] + len(new) > self._most_classes:
            raise ValueError(f"the node has brought {self._most_classes} classes, and {record.path[-1]} is another one")
        channels.add(channel)
        self._classes |= new
        self._brought[node] += len(new)

    def _channels_of(self, node: str) -> set[tuple[str, str]]:
        if node not in self._channels:
            query = select(SourceRow.name, ChannelRow.name).select_from(ChannelRow)
            query = query.join(SourceRow, ChannelRow.source_id == SourceRow.id)
            query = query.join(NodeRow, SourceRow.node_id == NodeRow.id).where(func.lower(NodeRow.name) == node)
            with self._store.read() as session:
                self._channels[node] = {(source, channel) for source, channel in session.execute(query)}
        return self._channels[node]

    def _new_classes(self, record: DetectionRecord) -> set[str]:
        """The classes of a record's path that are not known here."""
        paths = {SEPARATOR.join(record.path[: depth + 1]) for depth in range(len(record.path))}
        if paths <= self._classes:
            return set()
        with self._store.read() as session:
            self._classes |= {*session.scalars(select(ClassRow.path).where(ClassRow.path.in_(paths)))}
        return paths - self._classes
