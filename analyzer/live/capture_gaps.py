"""What was not captured, or not analyzed: counted, logged, and recorded in the gap ledger."""

from __future__ import annotations

import logging

from analyzer.live.capture_session import CaptureSession, Channel
from analyzer.live.health import LiveStatistics
from tidzam.gaps import Gap, GapLedger, GapReason
from tidzam.jack.ring import RingGap

log = logging.getLogger(__name__)


class CaptureGaps:
    """Notes the gaps of sessions in `ledger` and `statistics`. A gap begins and ends at frames of the session."""

    def __init__(self, ledger: GapLedger, statistics: LiveStatistics) -> None:
        self._ledger, self._statistics = ledger, statistics

    def between_sessions(self, gap: RingGap | None) -> None:
        """What was lost between two runs of the capture process; the ledger has the interval already."""
        if gap is not None:
            self._statistics.lost(gap.frames)
            log.warning("lost %d frames while the capture process was not running", gap.frames)

    def not_captured(self, session: CaptureSession) -> None:
        """Note the gaps of each source since the last call."""
        for source, gap in session.new_gaps():
            self._statistics.lost(gap.frames)
            self._record(session, source, gap.start, gap.frames)
            start = session.timeline.time_of(gap.start) if session.timeline else "time unknown"
            log.warning("lost %d frames of %s at frame %d (%s)", gap.frames, source, gap.start, start)

    def not_analyzed(self, session: CaptureSession, channels: tuple[Channel, ...], start: int, windows: int) -> None:
        """Note that so many windows of some channels, from the one at `start` on, were dropped."""
        self._statistics.dropped_windows += windows * len(channels)
        for channel in channels:
            self._record(session, channel.name, start, windows * session.schedule.hop)

    def _record(self, session: CaptureSession, channel: str, start: int, frames: int) -> None:
        if session.timeline is not None:
            begin, end = session.timeline.time_of(start), session.timeline.time_of(start + frames)
            self._ledger.record(Gap(channel, begin, end, GapReason.CAPTURE))
