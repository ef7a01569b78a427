"""The channels whose sound can be annotated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from console.services.node_state import NodeView
from tidzam.config import Settings
from tidzam.naming import channel_number, port_name, source_of
from tidzam.store.database import Store
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow

_AT_ONCE: Final = timedelta(hours=1)
"""Sources whose last recordings end no further apart are recorded at the same time."""


def annotator_channels(store: Store, settings: Settings, node: NodeView) -> tuple[str, ...]:
    """The channels that are or were recorded, those that the store names, and those that are heard now.

    Those that were recorded last come first, and those without recordings last. Raises StoreError.
    """
    name = settings.node.known_as
    recorded = (
        select(SourceRow.name, func.max(RecordingRow.channels), func.max(RecordingRow.end))
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .join(RecordingRow, RecordingRow.source_id == SourceRow.id)
        .where(NodeRow.name == name)
        .group_by(SourceRow.name)
    )
    named = (
        select(ChannelRow.name)
        .join(SourceRow, SourceRow.id == ChannelRow.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .where(NodeRow.name == name)
    )
    with store.read() as session:
        found = session.execute(recorded).all()
        ports = {port_name(source, number) for source, most, _ in found for number in range(most)}
        ports.update(session.scalars(named))
    ports.update(channel.port for source in node.sources for channel in source.channels)
    in_profile = [source for source in settings.sources if source.name and source.record]
    ports.update(
        port_name(one.name, number) for one in in_profile if one.name for number in range(one.nb_channels or 1)
    )
    groups = _groups({source: end for source, _, end in found})
    return tuple(sorted(ports, key=lambda port: (groups.get(source_of(port), _WITHOUT_RECORDINGS), *_order(port))))


_WITHOUT_RECORDINGS: Final = 2


def _groups(recorded_until: Mapping[str, datetime]) -> dict[str, int]:
    """0 for the sources that were recorded last, 1 for the others that were recorded."""
    last = max(recorded_until.values(), default=None)
    return {source: int(last is None or last - end > _AT_ONCE) for source, end in recorded_until.items()}


def _order(port: str) -> tuple[str, int, str]:
    """By source, then by number."""
    return source_of(port), channel_number(port.partition(":")[2]) or 0, port
