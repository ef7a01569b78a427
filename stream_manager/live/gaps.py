"""Records in the gap ledger when live streams were expected to be heard, and when their audio came too late."""

from __future__ import annotations

from tidzam.gaps import GapLedger, GapReason
from tidzam.jack.live_protocol import SlotStatus


class LiveGaps:
    """The gaps of live streams, by their ports. A stream does not return when the stream manager has died."""

    def __init__(self, ledger: GapLedger) -> None:
        self._ledger = ledger

    def begin(self, port: str) -> None:
        """A client streams to `port`; it has no sound until `play`."""
        self._ledger.load(port, returns=False)
        self._ledger.begin(port, GapReason.SOURCE_DOWN)

    def play(self, port: str, before: SlotStatus | None, now: SlotStatus) -> None:
        """The process that plays the stream has reported `now`, after `before`; None if this is its first report."""
        if now.plays:
            self._ledger.end(port, GapReason.SOURCE_DOWN)
        lost_s = now.gap_s - (before.gap_s if before is not None else 0.0)
        dropped_s = now.dropped_s - (before.dropped_s if before is not None else 0.0)
        for reason, seconds in ((GapReason.NETWORK, lost_s), (GapReason.OVERRUN, dropped_s)):
            if seconds > 0:
                self._ledger.add(port, reason, seconds)

    def interrupt(self, port: str) -> None:
        """The process that plays the stream has ended."""
        self._ledger.begin(port, GapReason.SOURCE_DOWN)

    def end(self, port: str) -> None:
        """The client no longer streams to `port`."""
        self._ledger.unload(port)
