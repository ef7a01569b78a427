"""What a player says about itself when a feeder plays for it: its position, its gaps and the drift."""

from __future__ import annotations

import asyncio

from stream_manager.players.base import PlayerReports
from tidzam.gaps import GapReason
from tidzam.jack.feeder_protocol import FeederStatus, Pacing

STALE_S = 2.0
"""A feeder reports twice per second: without a report for this long, it does not answer."""


class FeederProgress:
    """Follows the reports of a feeder and passes on what concerns the source."""

    def __init__(self, reports: PlayerReports, pacing: Pacing) -> None:
        self._reports, self._pacing = reports, pacing
        self._status: FeederStatus | None = None
        self._reported_s = 0.0
        self._overruns = 0
        self._told = FeederStatus()
        """The last status whose gaps have been passed on."""

    def read(self, status: FeederStatus) -> None:
        """Take in a report."""
        self._status, self._reported_s = status, asyncio.get_running_loop().time()
        if status.drift_ppm is not None and status.drift_ppm != self._told.drift_ppm:
            self._reports.drift(status.drift_ppm)
        for _ in range(status.overruns - self._overruns):
            self._reports.overrun()
        self._overruns = status.overruns
        if not status.starving:
            self._report_gaps(status, self._told)
            self._told = status

    def _report_gaps(self, now: FeederStatus, before: FeederStatus) -> None:
        underruns = now.underruns - before.underruns
        if underruns > 0:
            reason = GapReason.NETWORK if self._pacing is Pacing.PUSH else GapReason.UNDERRUN
            frames = now.underrun_frames - before.underrun_frames
            for _ in range(underruns):
                self._reports.gap(reason, frames / underruns / now.jack_rate_hz)
        if now.skipped_frames > before.skipped_frames:
            self._reports.gap(GapReason.XRUN, (now.skipped_frames - before.skipped_frames) / now.jack_rate_hz)

    @property
    def has_played(self) -> bool:
        """Whether audio has been played."""
        return self._status is not None and self._status.first_frame is not None

    def position_s(self) -> float | None:
        """Seconds of audio that have been played; None before the first.

        Raises TimeoutError if the feeder does not report, or if media that wait for JACK do not reach it.
        """
        status = self._status
        if status is None:
            return None
        if asyncio.get_running_loop().time() - self._reported_s > STALE_S:
            raise TimeoutError("the feeder does not report")
        if status.starving and self._pacing is Pacing.PULL:
            raise TimeoutError("the decoder delivers nothing")
        return status.played_frames / status.jack_rate_hz if status.first_frame is not None else None
