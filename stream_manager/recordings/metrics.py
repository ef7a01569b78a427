"""The Prometheus metrics of the recordings that can be replayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from stream_manager.recordings.database import RecordingDatabase


def database_metrics(databases: Iterable[RecordingDatabase]) -> Iterator[Metric]:
    """What was found in the folder of each database."""
    found = GaugeMetricFamily("tidzam_database_recordings", "Indexed recordings", labels=["source"])
    ignored = GaugeMetricFamily(
        "tidzam_database_ignored_files",
        "Files in the folder of the recordings that are not recordings of the source",
        labels=["source"],
    )
    for database in databases:
        found.add_metric([database.name], len(database.index))
        ignored.add_metric([database.name], database.ignored)
    yield from (found, ignored)
