"""The health and the metrics of the stream manager."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream_manager.icecast import Icecast
from stream_manager.jack.graph import JackGraph
from stream_manager.live.metrics import live_metrics
from stream_manager.outputs.base import OutputFault
from stream_manager.recordings.database import RecordingDatabase
from stream_manager.sources import Sources
from tidzam.gaps import GapReason
from tidzam.protocol.stream_manager import SourceState, SourceStatus, StreamManagerFault, StreamManagerHealth
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


class SourceMetrics(Collector):
    """The metrics of the node `node`, its sources and their recordings, read on each request."""

    def __init__(
        self,
        node: str,
        graph: JackGraph,
        icecast: Icecast,
        sources: Sources,
        recordings: Iterable[RecordingDatabase],
    ) -> None:
        self._node, self._graph, self._icecast, self._sources = node, graph, icecast, sources
        self._recordings = recordings

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("tidzam_stream_manager_info", "The node; always 1", labels=["node"])
        info.add_metric([self._node], 1)
        yield info
        yield GaugeMetricFamily(
            "tidzam_jack_up", "Whether the JACK server is running", value=float(self._graph.running)
        )
        yield GaugeMetricFamily(
            "tidzam_icecast_mounts", "Mounts that Icecast serves", value=len(self._icecast.mounts or ())
        )
        statuses = self._sources.statuses()
        states = Counter(status.state for status in statuses)
        by_state = GaugeMetricFamily("tidzam_sources", "Sources by state", labels=["state"])
        for state in SourceState:
            by_state.add_metric([state.value], states[state])
        yield by_state
        restarts = CounterMetricFamily("tidzam_source_restarts", "Times a source was restarted", labels=["source"])
        gaps = CounterMetricFamily("tidzam_source_gaps", "Times a source's audio was interrupted", labels=["source"])
        underruns = CounterMetricFamily(
            "tidzam_source_underruns", "Times audio of a source did not reach its player in time", labels=["source"]
        )
        overruns = CounterMetricFamily(
            "tidzam_source_overruns",
            "Times more live audio of a source arrived than the buffer holds",
            labels=["source"],
        )
        drift = GaugeMetricFamily(
            "tidzam_source_drift_ppm",
            "By how much the clock of a live source is faster than that of JACK, in parts per million",
            labels=["source"],
        )
        gap_seconds = CounterMetricFamily(
            "tidzam_source_gap_seconds", "Seconds without true sound of a source", labels=["source", "reason"]
        )
        player_errors = CounterMetricFamily(
            "tidzam_source_player_errors", "Unexpected errors of a source's player", labels=["source"]
        )
        output_failures = CounterMetricFamily(
            "tidzam_output_failures", "Times an output of a source failed", labels=["source", "output"]
        )
        for name, errors in self._sources.player_errors().items():
            player_errors.add_metric([name], errors)
        for (name, output), failures in self._sources.output_failures().items():
            output_failures.add_metric([name, output], failures)
        for status in statuses:
            restarts.add_metric([status.name], status.restarts)
            gaps.add_metric([status.name], status.gaps)
            underruns.add_metric([status.name], status.underruns)
            overruns.add_metric([status.name], status.overruns)
            if status.drift_ppm is not None:
                drift.add_metric([status.name], status.drift_ppm)
            for reason in GapReason:
                gap_seconds.add_metric([status.name, reason.value], status.gap_s_by_reason.get(reason, 0.0))
        yield CounterMetricFamily("tidzam_jack_xruns", "Times JACK or a client of it was late", value=self._graph.xruns)
        yield from (restarts, gaps, gap_seconds, underruns, overruns, drift, player_errors, output_failures)
        yield from live_metrics(statuses)
        yield from signal_metrics(statuses)
        yield from self._of_recordings()

    def _of_recordings(self) -> Iterator[Metric]:
        found = GaugeMetricFamily("tidzam_database_recordings", "Indexed recordings", labels=["source"])
        ignored = GaugeMetricFamily(
            "tidzam_database_ignored_files",
            "Files in the folder of the recordings that are not recordings of the source",
            labels=["source"],
        )
        for database in self._recordings:
            found.add_metric([database.name], len(database.index))
            ignored.add_metric([database.name], database.ignored)
        yield from (found, ignored)


def signal_metrics(statuses: Iterable[SourceStatus]) -> Iterator[Metric]:
    """The health of the signal of each channel."""
    levels = GaugeMetricFamily(
        "tidzam_channel_level_dbfs", "Level of a channel, relative to a full-scale sine", labels=["port"]
    )
    states = GaugeMetricFamily(
        "tidzam_channel_signal", "1 for the present state of a channel's signal", labels=["port", "state"]
    )
    for signal in (one for status in statuses for one in status.signals):
        states.add_metric([signal.port, signal.state.value], 1)
        if signal.level_dbfs is not None:
            levels.add_metric([signal.port], signal.level_dbfs)
    yield from (levels, states)
