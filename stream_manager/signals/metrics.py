"""The Prometheus metrics of the signals of channels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from tidzam.protocol.signals import ChannelSignal, SignalState


def signal_metrics(signals: Iterable[ChannelSignal]) -> Iterator[Metric]:
    """The level of each channel, and its state as a set: 1 for the present one, 0 for all others."""
    levels = GaugeMetricFamily(
        "tidzam_channel_level_dbfs", "Level of a channel, relative to a full-scale sine", labels=["port"]
    )
    states = GaugeMetricFamily(
        "tidzam_channel_signal",
        "State of a channel's signal: 1 for the present state, 0 for all others",
        labels=["port", "state"],
    )
    for signal in signals:
        for state in SignalState:
            states.add_metric([signal.port, state.value], float(state is signal.state))
        if signal.level_dbfs is not None:
            levels.add_metric([signal.port], signal.level_dbfs)
    yield from (levels, states)
