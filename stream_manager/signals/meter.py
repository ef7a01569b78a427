"""The health of the signals of channels, judged by their last measurements. Pure: measurements in, states out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from stream_manager.signals.measurement import SignalMeasurement
from tidzam.config.signal_health import SignalHealthSettings
from tidzam.protocol.signals import ChannelSignal, SignalState

HUM_SPREAD_DB: Final = 3.0
"""The level of hum that comes from the mains varies by less than this; that of engines by more."""
TRANSMISSION_FAULTS: Final = frozenset({SignalState.DIGITAL_SILENCE, SignalState.STUCK})
"""States that a new connection may end. The others are those of the microphone or its surroundings."""


def judge(window: Sequence[SignalMeasurement], settings: SignalHealthSettings) -> SignalState:
    """The state of a channel with the measurements `window`, at least one, that cover `settings.after_s`."""
    if all(one.is_zero for one in window):
        return SignalState.DIGITAL_SILENCE
    if min(one.repetition for one in window) >= settings.stuck_correlation and not _hums(window, settings):
        return SignalState.STUCK
    if max(one.level_dbfs for one in window) <= settings.quiet_dbfs:
        return SignalState.QUASI_SILENCE
    if sum(one.clipped_share for one in window) >= settings.clipped_share * len(window):
        return SignalState.CLIPPING
    if _hums(window, settings):
        return SignalState.HUM
    if 0 < max(one.bandwidth_hz for one in window) <= settings.min_bandwidth_hz:
        return SignalState.NARROW_BAND
    return SignalState.WELL


def _hums(window: Sequence[SignalMeasurement], settings: SignalHealthSettings) -> bool:
    levels = [one.hum_dbfs for one in window]
    is_constant = max(levels) - min(levels) <= HUM_SPREAD_DB
    return is_constant and min(one.hum_share for one in window) >= settings.hum_share


class SignalMeter:
    """The health of the signal of each JACK port, from measurements that are added one after the other."""

    def __init__(self, settings: SignalHealthSettings) -> None:
        self._settings = settings
        self._length = max(1, math.ceil(settings.after_s / settings.interval_s))
        self._windows: dict[str, deque[SignalMeasurement]] = {}

    def add(self, measured: Mapping[str, SignalMeasurement]) -> None:
        """Add a measurement for each of some ports."""
        for port, measurement in measured.items():
            self._windows.setdefault(port, deque(maxlen=self._length)).append(measurement)

    def forget(self, ports: Iterable[str]) -> None:
        """Forget ports that are gone: what is registered under their names later is another signal."""
        for port in ports:
            self._windows.pop(port, None)

    def of(self, port: str) -> ChannelSignal:
        """The health of the signal of `port`; unknown until it has been measured for long enough."""
        window = self._windows.get(port)
        if not window:
            return ChannelSignal(port=port, state=SignalState.UNKNOWN)
        state = judge(window, self._settings) if len(window) == self._length else SignalState.UNKNOWN
        last = window[-1]
        bandwidth_hz = max(one.bandwidth_hz for one in window)
        return ChannelSignal(
            port=port, state=state, level_dbfs=round(last.level_dbfs, 1), bandwidth_hz=round(bandwidth_hz) or None
        )

    def is_stuck(self, ports: Collection[str]) -> bool:
        """Whether all of `ports` have a fault of the transmission, at least one of them being stuck."""
        states = {self.of(port).state for port in ports}
        return states <= TRANSMISSION_FAULTS and SignalState.STUCK in states
