"""The Prometheus metrics of the node's servers, its sources and what belongs to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream_manager.icecast.server import Icecast
from stream_manager.jack.graph import JackGraph
from stream_manager.live.metrics import live_metrics
from stream_manager.recordings.database import RecordingDatabase
from stream_manager.recordings.metrics import database_metrics
from stream_manager.signals.metrics import signal_metrics
from stream_manager.sources import Sources
from tidzam.gaps import GapReason
from tidzam.protocol.source_status import SourceState, SourceStatus


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
        statuses = self._sources.statuses()
        yield from self._of_servers()
        yield from source_metrics(statuses)
        yield from self._of_failures()
        yield from live_metrics(statuses)
        yield from signal_metrics(one for status in statuses for one in status.signals)
        yield from database_metrics(self._recordings)

    def _of_servers(self) -> Iterator[Metric]:
        info = GaugeMetricFamily("tidzam_stream_manager_info", "The node; always 1", labels=["node"])
        info.add_metric([self._node], 1)
        yield info
        is_up, mounts = float(self._graph.running), len(self._icecast.mounts or ())
        yield GaugeMetricFamily("tidzam_jack_up", "Whether the JACK server is running", value=is_up)
        yield CounterMetricFamily("tidzam_jack_xruns", "Times JACK or a client of it was late", value=self._graph.xruns)
        yield GaugeMetricFamily("tidzam_icecast_mounts", "Mounts that Icecast serves", value=mounts)

    def _of_failures(self) -> Iterator[Metric]:
        of_players = CounterMetricFamily(
            "tidzam_source_player_errors", "Unexpected errors of a source's player", labels=["source"]
        )
        for name, errors in self._sources.player_errors().items():
            of_players.add_metric([name], errors)
        of_outputs = CounterMetricFamily(
            "tidzam_output_failures", "Times an output of a source failed", labels=["source", "output"]
        )
        for (name, output), failures in self._sources.output_failures().items():
            of_outputs.add_metric([name, output], failures)
        yield from (of_players, of_outputs)


def source_metrics(statuses: Sequence[SourceStatus]) -> Iterator[Metric]:
    """The sources by their state, and the figures in the status of each."""
    states = Counter(status.state for status in statuses)
    by_state = GaugeMetricFamily("tidzam_sources", "Sources by state", labels=["state"])
    for state in SourceState:
        by_state.add_metric([state.value], states[state])
    yield by_state
    for field, family in _families().items():
        for status in statuses:
            if (value := getattr(status, field)) is not None:
                family.add_metric([status.name], value)
        yield family
    gap_seconds = CounterMetricFamily(
        "tidzam_source_gap_seconds", "Seconds without valid audio of a source", labels=["source", "reason"]
    )
    for status in statuses:
        for reason in GapReason:
            gap_seconds.add_metric([status.name, reason.value], status.gap_s_by_reason.get(reason, 0.0))
    yield gap_seconds


def _families() -> dict[str, CounterMetricFamily | GaugeMetricFamily]:
    """The metrics with one figure per source, by its field in the status."""
    source = ["source"]
    return {
        "restarts": CounterMetricFamily("tidzam_source_restarts", "Times a source was restarted", labels=source),
        "gaps": CounterMetricFamily("tidzam_source_gaps", "Times a source's audio was interrupted", labels=source),
        "underruns": CounterMetricFamily(
            "tidzam_source_underruns", "Times audio of a source did not reach its player in time", labels=source
        ),
        "overruns": CounterMetricFamily(
            "tidzam_source_overruns", "Times more live audio of a source arrived than the buffer holds", labels=source
        ),
        "drift_ppm": GaugeMetricFamily(
            "tidzam_source_drift_ppm",
            "By how much the clock of a live source is faster than that of JACK, in parts per million",
            labels=source,
        ),
    }
