"""The metrics of the shadow cascade for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from tidzam.protocol.shadow import ShadowStatus

_PREFIX = "tidzam_analyzer_shadow_"


def shadow_metrics(shadow: ShadowStatus) -> Iterator[Metric]:
    """How the shadow does, and how it differs from the live cascade."""
    running = shadow.state == "running" and shadow.fault is None
    yield GaugeMetricFamily(f"{_PREFIX}up", "Whether the shadow cascade works", int(running))
    windows = CounterMetricFamily(f"{_PREFIX}windows", "Windows of the shadow cascade by outcome", labels=["outcome"])
    for outcome in ("compared", "incomplete", "dropped", "errors"):
        windows.add_metric([outcome], getattr(shadow, outcome))
    yield windows
    yield CounterMetricFamily(
        f"{_PREFIX}unsent_windows", "Windows of the shadow cascade whose events were not sent to clients", shadow.unsent
    )
    if shadow.agreement is not None:
        yield GaugeMetricFamily(
            f"{_PREFIX}agreement", "Share of windows for which the shadow decides as the live cascade", shadow.agreement
        )
    if shadow.mean_difference is not None:
        yield GaugeMetricFamily(
            f"{_PREFIX}mean_difference", "Mean absolute difference of probabilities", shadow.mean_difference
        )
    decided = CounterMetricFamily(
        f"{_PREFIX}class_windows", "Windows for which a class was decided, by which cascade", labels=["class", "by"]
    )
    for one in shadow.classes:
        for by, count in (("both", one.both), ("live", one.live_only), ("shadow", one.shadow_only)):
            decided.add_metric([one.label, by], count)
    yield decided
