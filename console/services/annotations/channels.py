"""The channel of an annotation by its name: one that this node has, or once had."""

from __future__ import annotations

from sqlalchemy import func, select

from console.services.node_state import NodeView
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.naming import channel_number, is_live_port, port_name, source_of
from tidzam.store.database import Store
from tidzam.store.lookups import NameTables
from tidzam.store.queries.annotations import channel_numbers
from tidzam.store.tables.places import NodeRow, SourceRow
from tidzam.store.tables.recordings import RecordingRow


def own_node(settings: Settings) -> str | None:
    """The node whose channels are meant by their names; None for all that a store in the home of this node knows, since
    it may have had another name."""
    return None if settings.store.url is None else settings.node.known_as


def require_channel(store: Store, settings: Settings, node: NodeView, channel: str) -> int:
    """The number of a channel in the store, where it is made if the node has it.

    It has those that are heard at present, those of recordings, those of its profile's sources, and live streams.
    Raises RequestError (`request`).
    """
    source, name = source_of(channel), settings.node.known_as
    number = channel_number(channel.partition(":")[2])
    if number is None or channel != port_name(source, number):
        raise _unknown(channel, "it is no channel", "Expected for example pond:out_0.")
    with store.read() as session:
        found = channel_numbers(session, name, channel)
    if found:
        return found[0]
    is_heard = any(one.port == channel for known in node.sources for one in known.channels)
    in_profile = any(one.name == source for one in settings.sources)
    if not (is_heard or in_profile or is_live_port(channel) or number < _recorded_channels(store, name, source)):
        raise _unknown(channel, "this node has no such channel", "See /api/v1/node for its channels.")
    names = NameTables()
    names.learn_channels(store, [(name, source, channel)])
    return names.channel(name, source, channel)


def _recorded_channels(store: Store, node: str, source: str) -> int:
    """How many channels the recordings of a source have at most; 0 if there are none."""
    query = select(func.max(RecordingRow.channels)).join(SourceRow, SourceRow.id == RecordingRow.source_id)
    named = query.join(NodeRow, NodeRow.id == SourceRow.node_id).where(NodeRow.name == node, SourceRow.name == source)
    with store.read() as session:
        return session.scalar(named) or 0


def _unknown(channel: str, reason: str, hint: str) -> RequestError:
    return RequestError(f"channel: {channel!r}: {reason}.", hint=hint, code="request", field="channel")
