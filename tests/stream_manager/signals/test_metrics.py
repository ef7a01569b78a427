"""The states of channels' signals as Prometheus sees them."""

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from stream_manager.signals.metrics import signal_metrics
from tidzam.protocol.signals import ChannelSignal, SignalState

PORT = "pond:out_0"


class _Signals(Collector):
    """A registry asks again at each sample, as Prometheus does."""

    def __init__(self, signal: ChannelSignal) -> None:
        self.signal = signal

    def collect(self) -> list[Metric]:
        return list(signal_metrics([self.signal]))


def exported(signal: ChannelSignal) -> dict[str, float | None]:
    """The value of each state."""
    registry = CollectorRegistry()
    registry.register(_Signals(signal))
    name = "tidzam_channel_signal"
    return {state: registry.get_sample_value(name, {"port": PORT, "state": state}) for state in SignalState}


def test_the_present_state_of_a_signal_is_1_and_all_others_are_0() -> None:
    states = exported(ChannelSignal(port=PORT, state=SignalState.HUM))
    assert states == {state: float(state is SignalState.HUM) for state in SignalState}


def test_a_channel_without_a_level_exports_none() -> None:
    levels, _ = signal_metrics([ChannelSignal(port=PORT, state=SignalState.UNKNOWN)])
    assert levels.samples == []
