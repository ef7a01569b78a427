"""Whether the stream manager does its job, and what it measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream_manager.icecast import Icecast
from stream_manager.jack_graph import JackGraph
from stream_manager.sources import Sources
from tidzam.protocol.stream_manager import SourceState, StreamManagerHealth
from tidzam.server import Health


def health(graph: JackGraph, icecast: Icecast, sources: Sources) -> Health:
    """Well when JACK is there, and every permanent source plays and has all its mounts."""
    reasons = tuple(_reasons(graph, icecast, sources))
    detail = StreamManagerHealth(
        jack=graph.up, rate_hz=graph.rate_hz, sources=tuple(source.status() for source in sources)
    )
    return Health(not reasons, reasons, detail.model_dump(mode="json"))


def _reasons(graph: JackGraph, icecast: Icecast, sources: Sources) -> Iterator[str]:
    if not graph.up:
        yield "The JACK server does not answer."
    if icecast.mounts is None:
        yield f"Icecast does not answer on {icecast.url}."
    for name, error in sources.refused.items():
        yield f"Source {name} was refused: {error}"
    for source in sources:
        status = source.status()
        if not source.settings.is_permanent:
            continue
        if status.state != SourceState.PLAYING:
            yield f"Source {source.name} is {status.state}: {status.last_error or 'no sound yet.'}"
        elif missing := icecast.missing(source.name, status.channels):
            yield f"Source {source.name} lacks its mounts {', '.join(missing)}."


class SourceMetrics(Collector):
    """What /metrics tells of sources, read when asked."""

    def __init__(self, graph: JackGraph, icecast: Icecast, sources: Sources) -> None:
        self._graph, self._icecast, self._sources = graph, icecast, sources

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("tidzam_jack_up", "Whether the JACK server answers.", value=float(self._graph.up))
        yield GaugeMetricFamily("tidzam_icecast_mounts", "Mounts served.", value=len(self._icecast.mounts or ()))
        states = Counter(source.life.state for source in self._sources)
        by_state = GaugeMetricFamily("tidzam_sources", "Sources by state.", labels=["state"])
        for state in SourceState:
            by_state.add_metric([state.value], states[state])
        yield by_state
        restarts = CounterMetricFamily("tidzam_source_restarts", "Times a source was started again.", labels=["source"])
        gaps = CounterMetricFamily("tidzam_source_gaps", "Times a source's sound broke off.", labels=["source"])
        for source in self._sources:
            status = source.status()
            restarts.add_metric([source.name], status.restarts)
            gaps.add_metric([source.name], status.gaps)
        yield restarts
        yield gaps
