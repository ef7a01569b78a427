"""The channels whose sound can be annotated."""

from __future__ import annotations

from sqlalchemy import func, select

from console.services.node_state import NodeView
from tidzam.config import Settings
from tidzam.naming import channel_number, port_name, source_of
from tidzam.store.database import Store
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow


def annotator_channels(store: Store, settings: Settings, node: NodeView) -> tuple[str, ...]:
    """The channels that are or were recorded, those that the store names, and those that are heard now, in order.

    Raises StoreError.
    """
    name = settings.node.known_as
    recorded = (
        select(SourceRow.name, func.max(RecordingRow.channels))
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
        ports = {port_name(source, number) for source, most in session.execute(recorded) for number in range(most)}
        ports.update(session.scalars(named))
    ports.update(channel.port for source in node.sources for channel in source.channels)
    in_profile = [source for source in settings.sources if source.name and source.record]
    ports.update(
        port_name(one.name, number) for one in in_profile if one.name for number in range(one.nb_channels or 1)
    )
    return tuple(sorted(ports, key=_order))


def _order(port: str) -> tuple[str, int, str]:
    """By source, then by number."""
    return source_of(port), channel_number(port.partition(":")[2]) or 0, port
