"""The metrics of recordings."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream_manager.recorder.control import RecordingControl
from tidzam.protocol.recordings import RecordingState


class RecordingMetrics(Collector):
    """What has been recorded of each source, read on each request."""

    def __init__(self, recordings: RecordingControl) -> None:
        self._recordings = recordings

    def collect(self) -> Iterator[Metric]:
        active = GaugeMetricFamily("tidzam_recording", "Whether a source is being recorded", labels=["source"])
        families = {
            "bytes": CounterMetricFamily("tidzam_recorded_bytes", "Bytes that were recorded", labels=["source"]),
            "seconds": CounterMetricFamily("tidzam_recorded_seconds", "Seconds that were recorded", labels=["source"]),
            "lost_seconds": CounterMetricFamily(
                "tidzam_recording_lost_seconds", "Seconds of audio that could not be recorded", labels=["source"]
            ),
            "muted_seconds": CounterMetricFamily(
                "tidzam_recording_muted_seconds", "Seconds of recordings that were muted", labels=["source"]
            ),
            "dropped_segments": CounterMetricFamily(
                "tidzam_recording_dropped_segments", "Segments not kept because of speech", labels=["source"]
            ),
            "failures": CounterMetricFamily(
                "tidzam_recording_failures",
                "Times a recording was interrupted or a file could not be completed",
                labels=["source"],
            ),
        }
        held = GaugeMetricFamily(
            "tidzam_recording_held_files", "Complete files that wait until speech is muted", labels=["source"]
        )
        for name, counters in self._recordings.all_counters():
            active.add_metric([name], counters.state is RecordingState.RECORDING)
            held.add_metric([name], counters.held)
            for field, family in families.items():
                family.add_metric([name], getattr(counters, field))
        yield from (active, held, *families.values())
