"""What comes in at the rate and the pace of its writer is put into a feed at those of JACK."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import soxr

from tidzam.audio.variable_rate import VariableRate
from tidzam.jack.drift import MAX_PPM, BufferLimits, DriftController
from tidzam.jack.feed import Feed, FeedWriter
from tidzam.jack.feeder_protocol import FeederStatus, Pacing
from tidzam.jack.frame_clock import FrameClock
from tidzam.types import Float32

PULL_S = 2.0
"""Seconds of media that are decoded in advance: what a busy machine or a slow disk may cost."""
PUSH_S = 30.0
"""The most seconds of live audio that can wait, in addition to its delay. Servers begin with a burst of several."""
PUSH_BYTES = 48_000_000
"""The most memory for that."""


def make_feed(
    channels: int, jack_rate_hz: int, pacing: Pacing, delay_s: float, *, period: int, ahead_s: float = PUSH_S
) -> Feed:
    """A feed of a suitable size. `period` is the number of frames of a JACK cycle, and `ahead_s` how much live audio
    can wait, up to PUSH_S.
    """
    prebuffer = max(round(delay_s * jack_rate_hz), 2 * period)
    if pacing is Pacing.PULL:
        extra = round(PULL_S * jack_rate_hz)
    else:
        extra = min(round(min(ahead_s, PUSH_S) * jack_rate_hz), PUSH_BYTES // (4 * channels))
    return Feed(channels, capacity_frames=prebuffer + max(extra, 4 * period), prebuffer_frames=prebuffer)


class FeedInput:
    """Resamples interleaved audio of `rate_hz` to `jack_rate_hz` and puts it into `feed`.

    With `Pacing.PUSH`, the drift of the writer's clock is corrected by resampling, by at most 0.1 %. A full feed holds
    the writer back, so that nothing is known of its clock: it is played by that much faster until there is room.
    `frame_time` is that of a FrameClock, and `wait` sleeps.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        channels: int,
        rate_hz: int,
        jack_rate_hz: int,
        pacing: Pacing,
        delay_s: float,
        frame_time: Callable[[], int],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._feed, self._writer = feed, FeedWriter(feed, jack_rate_hz, wait)
        self._channels, self._rate_hz, self._jack_rate_hz = channels, rate_hz, jack_rate_hz
        self._fixed = None if rate_hz == jack_rate_hz else soxr.ResampleStream(rate_hz, jack_rate_hz, channels)
        self._variable = VariableRate(channels) if pacing is Pacing.PUSH else None
        self._drift = DriftController(BufferLimits(delay_s, feed.capacity_frames / jack_rate_hz))
        self._faults = 0
        self._received = 0
        self._clock = FrameClock(frame_time)

    def write(self, samples: Float32) -> None:
        """Put `samples`, shape (frames, channels); wait while the feed is full."""
        self._received += len(samples)
        if self._variable is not None:
            self._observe(len(samples) / self._rate_hz)
        self._put(samples if self._fixed is None else self._fixed.resample_chunk(samples))

    def end(self) -> None:
        """No more audio will follow: what the resamplers still hold is put, and the feed ends."""
        if self._fixed is not None:
            self._put(self._fixed.resample_chunk(np.empty((0, self._channels), np.float32), last=True))
        if self._variable is not None:
            self._writer.write(self._variable.flush())
        self._feed.end()

    def status(self) -> FeederStatus:
        """What has been received and played so far."""
        feed, is_live = self._feed, self._variable is not None
        frame, played = feed.position
        drift_ppm = self._drift.drift_ppm
        return FeederStatus(
            jack_rate_hz=self._jack_rate_hz,
            first_frame=feed.first_frame,
            frame=frame,
            played_frames=played,
            received_frames=self._received,
            buffered_s=round(feed.available / self._jack_rate_hz, 4),
            underruns=feed.underruns,
            underrun_frames=feed.underrun_frames,
            overruns=self._writer.overruns if is_live else 0,
            skipped_frames=feed.skipped_frames,
            drift_ppm=None if drift_ppm is None else round(drift_ppm, 2),
            correction_ppm=0.0 if self._variable is None else round(self._variable.ppm, 2),
            starving=feed.starves,
        )

    def _put(self, samples: Float32) -> None:
        block = np.ascontiguousarray(samples.T)
        self._writer.write(block if self._variable is None else self._variable.process(block))

    def _observe(self, arrived_s: float) -> None:
        """Inform the drift controller that so much audio has arrived, and apply its correction."""
        feed, drift, variable = self._feed, self._drift, self._variable
        if feed.first_frame is None or variable is None:
            return
        faults = feed.underruns + self._writer.overruns
        if faults != self._faults or self._writer.is_full:
            self._faults = faults
            drift.restart()
        frame, passed = self._clock.read()
        level_s = feed.level_frames(frame) / self._jack_rate_hz
        drift.observe(
            passed / self._jack_rate_hz,
            self._received / self._rate_hz,
            lowest_s=level_s,
            highest_s=level_s + arrived_s,
        )
        variable.ppm = MAX_PPM if self._writer.is_full else drift.correction_ppm
