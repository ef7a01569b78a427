"""Records in the gap ledger when one source had no valid audio, judged by its states."""

from __future__ import annotations

from collections.abc import Iterable

from tidzam.gaps import GapLedger, GapReason
from tidzam.gaps.totals import GapTotals
from tidzam.protocol.signals import ChannelSignal, SignalState
from tidzam.protocol.source_status import SourceState

_REASONS = {
    SourceState.LOADING: GapReason.SOURCE_DOWN,
    SourceState.WAITING: GapReason.SOURCE_DOWN,
    SourceState.FAILED: GapReason.SOURCE_DOWN,
    SourceState.SILENT: GapReason.SILENCE,
}
_SIGNAL_REASONS = {SignalState.STUCK: GapReason.STUCK, SignalState.DIGITAL_SILENCE: GapReason.SILENCE}
"""The states of a signal that is not that of a microphone. The others are those of the microphone or its place."""


def gap_reason(state: SourceState, *, is_live: bool) -> GapReason | None:
    """Why a source in this state has no valid audio; None if it has. Silence in a file is content."""
    if state is SourceState.SILENT and not is_live:
        return None
    return _REASONS.get(state)


class SourceGaps:
    """The gaps of one source, from `load` to `unload`. `returns` is whether it is loaded again after a restart."""

    def __init__(self, source: str, ledger: GapLedger, *, returns: bool) -> None:
        self._source, self._ledger, self._returns = source, ledger, returns
        self._reason: GapReason | None = None
        self._channels: dict[str, GapReason] = {}
        """The channels that have no valid audio although the source plays."""

    def load(self, channels: int = 0) -> None:
        """Sound of as many channels is expected; 0 if their number is not known yet."""
        self._ledger.load(self._source, channels, returns=self._returns)

    def unload(self) -> None:
        self._ledger.unload(self._source)

    def follow(self, state: SourceState, *, is_live: bool, ago_s: float = 0.0) -> None:
        """The source has had this state for `ago_s` seconds."""
        reason = gap_reason(state, is_live=is_live)
        if reason is self._reason:
            return
        if self._reason is not None:
            self._ledger.end(self._source, self._reason)
        if reason is not None:
            self._ledger.begin(self._source, reason, ago_s=ago_s)
        self._reason = reason

    def follow_signals(self, signals: Iterable[ChannelSignal], *, is_live: bool, ago_s: float) -> None:
        """The channels of the source have had these signals for `ago_s` seconds. In a file, all is content."""
        found = {one.port: _SIGNAL_REASONS[one.state] for one in signals if is_live and one.state in _SIGNAL_REASONS}
        for port, reason in self._channels.items():
            if found.get(port) is not reason:
                self._ledger.end(port, reason)
        for port, reason in found.items():
            if self._channels.get(port) is not reason:
                self._ledger.begin(port, reason, ago_s=ago_s)
        self._channels = found

    def add(self, reason: GapReason, seconds: float) -> None:
        """A gap has just ended."""
        self._ledger.add(self._source, reason, seconds)

    def totals(self) -> GapTotals:
        return self._ledger.totals(self._source)
