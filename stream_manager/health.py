"""The health of the stream manager: its faults, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from stream_manager.icecast.server import Icecast
from stream_manager.jack.graph import JackGraph
from stream_manager.outputs.base import OutputFault
from stream_manager.recordings.database import RecordingDatabase
from stream_manager.sources import Sources
from tidzam.protocol.source_status import SourceState, SourceStatus
from tidzam.protocol.stream_manager import StreamManagerFault, StreamManagerHealth
from tidzam.server import Health
from tidzam.text import shown


def health(graph: JackGraph, icecast: Icecast, sources: Sources, recordings: Iterable[RecordingDatabase]) -> Health:
    """Healthy if JACK and Icecast answer, every permanent source plays, its outputs work and recordings can be read."""
    statuses = sources.statuses()
    faults = (
        *server_faults(graph, icecast),
        *source_faults(statuses, sources.output_faults()),
        *_missing(sources.missing()),
        *_unreadable(recordings),
    )
    detail = StreamManagerHealth(
        jack=graph.running,
        icecast=icecast.mounts is not None,
        rate_hz=graph.rate_hz,
        faults=faults,
        sources=statuses,
    )
    return Health(not faults, tuple(fault.message for fault in faults), detail.model_dump(mode="json"))


def server_faults(graph: JackGraph, icecast: Icecast) -> Iterator[StreamManagerFault]:
    if not graph.up:
        yield StreamManagerFault(code="jack_away", origin="jack", message="The JACK server does not answer.")
    elif graph.stalled:
        message = "The JACK server is stalled: no cycle has run for some seconds."
        yield StreamManagerFault(code="jack_stalled", origin="jack", message=message)
    if icecast.mounts is None:
        message = f"Icecast does not answer at {icecast.url}."
        yield StreamManagerFault(code="icecast_away", origin="icecast", message=message)


def source_faults(
    statuses: Iterable[SourceStatus], output_faults: Mapping[str, tuple[OutputFault, ...]]
) -> Iterator[StreamManagerFault]:
    """At most one fault per permanent source. `output_faults` are the faults of the outputs by source."""
    for status in statuses:
        if status.ok or not status.is_permanent:
            continue
        plays = status.state in (SourceState.PLAYING, SourceState.SILENT)
        faults = output_faults.get(status.name, ()) if plays else ()
        own = [fault for fault in faults if not fault.is_reported]
        if faults and not own:
            continue
        if own:
            code, reason = own[0].code, own[0].message
        else:
            code, reason = (
                status.code or "source_starting",
                f"{status.state.predicate}: {status.last_error or 'no audio yet.'}",
            )
        message = f"Source {status.name} {reason}"
        yield StreamManagerFault(code=code, origin="source", source=status.name, message=message)


def _missing(names: Iterable[str]) -> Iterator[StreamManagerFault]:
    for name in names:
        hint = "To load it again, send `loadsource` with only its name."
        message = f"Source {name} of the profile was unloaded by a client. {hint}"
        yield StreamManagerFault(code="source_missing", origin="source", source=name, message=message)


def _unreadable(recordings: Iterable[RecordingDatabase]) -> Iterator[StreamManagerFault]:
    for database in recordings:
        if database.fault is not None:
            folder = shown(database.options.folder)
            message = f"The recordings of {database.name} in {folder} cannot be read: {database.fault}."
            yield StreamManagerFault(
                code="recordings_unreadable", origin="source", source=database.name, message=message
            )
