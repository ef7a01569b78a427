"""The Prometheus metrics of live streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from tidzam.protocol.source_status import SourceStatus


def live_metrics(statuses: Iterable[SourceStatus]) -> Iterator[Metric]:
    """Of the live streams in the status of all sources."""
    streams = [stream for status in statuses for stream in status.live_streams]
    yield GaugeMetricFamily("tidzam_live_streams", "Live streams of clients", value=len(streams))
    since = "since the stream began"
    families = {
        "buffered_s": GaugeMetricFamily(
            "tidzam_live_stream_buffered_seconds", "Audio of a live stream that waits to be played", labels=["port"]
        ),
        "gap_s": GaugeMetricFamily(
            "tidzam_live_stream_gap_seconds",
            f"Silence played because audio was missing, {since}",
            labels=["port"],
        ),
        "dropped_s": GaugeMetricFamily(
            "tidzam_live_stream_dropped_seconds",
            f"Audio dropped because a client sent more than can be buffered, {since}",
            labels=["port"],
        ),
    }
    for name, family in families.items():
        for stream in streams:
            family.add_metric([stream.port], getattr(stream, name))
        yield family
