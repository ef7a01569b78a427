"""The analyzer's metrics for Prometheus, read when they are requested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from analyzer.classifiers.shadow_metrics import shadow_metrics
from tidzam.protocol.analyzer import AnalyzerHealth
from tidzam.protocol.privacy import PrivacyStatus
from tidzam.results import ChannelState

_COUNTERS = {
    "windows": "Windows analyzed",
    "lost_frames": "Frames skipped by JACK or missed by capture",
    "gaps": "Gaps in which frames were lost",
    "dropped_windows": "Windows captured but not analyzed, to keep up",
    "replaced_samples": "Samples that were no audio, and were replaced with silence",
    "dropped_messages": "Messages dropped for slow clients and sinks",
}
_GAUGES = {
    "lag_s": ("lag_seconds", "Time from the end of a window to its analysis"),
    "windows_per_s": ("windows_per_second", "Windows analyzed per second"),
    "last_window_age_s": ("last_window_age_seconds", "Time since the last analysis"),
}


class HealthCollector(Collector):
    """Exports `health` under names with the prefix `tidzam_analyzer_`."""

    def __init__(self, health: Callable[[], AnalyzerHealth], registry: CollectorRegistry) -> None:
        self._health = health
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        health = self._health()
        info = GaugeMetricFamily("tidzam_analyzer_info", "The node and the engine; always 1", labels=["node", "engine"])
        info.add_metric([health.node, health.engine], 1)
        yield info
        yield GaugeMetricFamily("tidzam_analyzer_channels", "Channels captured", len(health.channels))
        for field, description in _COUNTERS.items():
            yield CounterMetricFamily(f"tidzam_analyzer_{field}", description, getattr(health, field))
        for field, (name, description) in _GAUGES.items():
            value = getattr(health, field)
            if value is not None:
                yield GaugeMetricFamily(f"tidzam_analyzer_{name}", description, value)
        bundles = GaugeMetricFamily(
            "tidzam_analyzer_bundle_info", "The live classifiers; always 1", labels=["classifier", "version"]
        )
        for name, version in health.bundles.items():
            bundles.add_metric([name, version], 1)
        yield bundles
        yield CounterMetricFamily(
            "tidzam_analyzer_reloads", "Times that other classifiers took over", health.reload.count
        )
        yield CounterMetricFamily(
            "tidzam_analyzer_reloads_refused", "Times that classifiers could not be used", health.reload.refused
        )
        if health.shadow is not None:
            yield from shadow_metrics(health.shadow)
        yield _by_label("classifier_errors", "Windows without probabilities", "classifier", health.classifier_errors)
        delivered, errors, dropped = (
            {sink.name: getattr(sink, field) for sink in health.sinks} for field in ("delivered", "errors", "dropped")
        )
        yield _by_label("sink_delivered", "Batches that a sink has taken", "sink", delivered)
        yield _by_label("sink_errors", "Failures of a sink", "sink", errors)
        yield _by_label("sink_dropped", "Batches dropped because a sink was slow or failed", "sink", dropped)
        if health.privacy is not None:
            yield from _privacy(health.privacy)
        states = Counter(status.state for status in health.channel_states)
        by_state = GaugeMetricFamily("tidzam_analyzer_channel_states", "Channels by state", labels=["state"])
        for state in ChannelState:
            by_state.add_metric([state.value], states[state])
        yield by_state


def _by_label(name: str, description: str, label: str, values: Mapping[str, int]) -> CounterMetricFamily:
    counter = CounterMetricFamily(f"tidzam_analyzer_{name}", description, labels=[label])
    for key, value in values.items():
        counter.add_metric([key], value)
    return counter


def _privacy(status: PrivacyStatus) -> Iterator[Metric]:
    families = {
        "speech_s": CounterMetricFamily(
            "tidzam_analyzer_speech_seconds", "Seconds in which a person spoke", labels=["channel"]
        ),
        "dropped_clips": CounterMetricFamily(
            "tidzam_analyzer_privacy_dropped_clips", "Clips that were not kept because of speech", labels=["channel"]
        ),
        "muted_clips": CounterMetricFamily(
            "tidzam_analyzer_privacy_muted_clips", "Clips in which speech was muted", labels=["channel"]
        ),
    }
    for channel in status.channels:
        for field, family in families.items():
            family.add_metric([channel.channel], getattr(channel, field))
    yield from families.values()
