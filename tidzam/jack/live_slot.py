"""One live stream on its way into JACK: 16-bit PCM at the client's rate in, samples at JACK's rate out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import soxr

from tidzam.audio.variable_rate import VariableRate
from tidzam.jack.drift import BUCKET_S, BufferLimits, DriftController
from tidzam.jack.feed import Feed
from tidzam.jack.frame_clock import FrameClock
from tidzam.jack.live_protocol import SlotStatus
from tidzam.types import Float32

_FULL_SCALE: Final = np.float32(32768.0)
_BURST: Final = 1.01
_BURST_FRAMES: Final = 4096
"""Resamplers deliver in bursts: room for more than the exact share."""


class LiveSlot:
    """The stream in `slot`.

    It is resampled to `rate_hz`, the rate of JACK, and buffered for `delay_s` plus the `cycle_frames` that JACK takes
    at once. Playback begins when that much has arrived, or its first part has waited for as long, and again after the
    buffer ran empty. At most `buffer_s` seconds are kept; a client that sends more loses it. At JACK's own rate every
    sample arrives unchanged, unless a drift of the client's clock has been measured. `frame_time` is that of a
    FrameClock; by default, the clock moves with each cycle.

    One thread may write while another one, that of JACK, reads.
    """

    def __init__(
        self,
        slot: int,
        *,
        rate_hz: int,
        delay_s: float,
        buffer_s: float,
        cycle_frames: int,
        frame_time: Callable[[], int] | None = None,
    ) -> None:
        self._slot, self._rate_hz = slot, rate_hz
        self._delay = max(1, round(delay_s * rate_hz)) + cycle_frames
        capacity = max(round(buffer_s * rate_hz), 2 * self._delay)
        self._feed = Feed(1, capacity_frames=capacity, prebuffer_frames=self._delay)
        self._waited = 0
        self._input_hz = rate_hz
        self._converter: soxr.ResampleStream | None = None
        self._fine = VariableRate(1)
        self._drift = _DriftMeter(
            DriftController(BufferLimits(delay_s, capacity / rate_hz)),
            FrameClock(frame_time or (lambda: self._feed.clock_frames)),
            rate_hz,
        )
        self._received_s = 0.0
        self._dropped_frames = self._faults = 0

    def write(self, pcm: bytes, input_hz: int) -> None:
        """Take 16-bit little-endian mono PCM at `input_hz`, which may differ from that of earlier packets."""
        duration_s = len(pcm) / 2 / input_hz
        frames = math.ceil(duration_s * self._rate_hz)
        if frames * _BURST + _BURST_FRAMES > self._feed.room:
            self._dropped_frames += frames
            self._faults += 1
            return
        if input_hz != self._input_hz:
            self._set_rate(input_hz)
        self._received_s += duration_s
        self._put(np.frombuffer(pcm, "<i2").astype(np.float32) / _FULL_SCALE)
        correction = self._drift.after_packet(self._feed, self._received_s, faults=self._faults + self._feed.underruns)
        self._fine.ppm = correction

    def _set_rate(self, input_hz: int) -> None:
        """Expect audio at another rate, once the converter has delivered what it still holds."""
        self._put(np.zeros(0, np.float32), last=True)
        same = input_hz == self._rate_hz
        self._converter = None if same else soxr.ResampleStream(input_hz, self._rate_hz, 1)
        self._input_hz = input_hz

    def _put(self, samples: Float32, *, last: bool = False) -> None:
        if self._converter is not None:
            samples = self._converter.resample_chunk(samples, last=last)
        self._keep(self._fine.process(samples[np.newaxis]))

    def _keep(self, block: Float32) -> None:
        if block.shape[1] > self._feed.room:  # the resamplers delivered more than expected
            self._dropped_frames += block.shape[1]
            return
        self._feed.put(block)

    def end(self) -> None:
        """No more will be written: `has_ended` is true once the rest has been read."""
        self._put(np.zeros(0, np.float32), last=True)
        self._keep(self._fine.flush())
        self._feed.end()

    def read(self, frame: int, block: Float32) -> None:
        """Fill `block`, shape (1, frames), for the JACK cycle that begins at `frame`. Called in JACK's thread."""
        available = self._feed.available
        self._drift.before_cycle(available)
        if self._feed.flows or not available:
            self._waited = 0
        elif self._waited >= self._delay:
            self._feed.begin()
        else:
            self._waited += block.shape[1]
        self._feed.fill(frame, block)

    @property
    def has_ended(self) -> bool:
        return self._feed.is_drained

    @property
    def status(self) -> SlotStatus:
        feed = self._feed
        return SlotStatus(
            slot=self._slot,
            plays=feed.flows,
            buffered_s=self._seconds(feed.available),
            played_s=self._seconds(feed.position[1]),
            gaps=feed.underruns,
            gap_s=self._seconds(feed.underrun_frames),
            dropped_s=self._seconds(self._dropped_frames),
            drift_ppm=self._drift.drift_ppm,
        )

    def _seconds(self, frames: int) -> float:
        return round(frames / self._rate_hz, 4)


class _DriftMeter:
    """Reports to a DriftController, per BUCKET_S, the level after the least delayed packet.

    Packets are late by chance, and never early: the highest level moves with the clocks only, however late the others
    were.
    """

    def __init__(self, controller: DriftController, clock: FrameClock, rate_hz: int) -> None:
        self._controller, self._clock, self._rate_hz = controller, clock, rate_hz
        self._faults = 0
        self._begin_s = 0.0
        self._highest_frames, self._earliest_s = 0, -math.inf

    @property
    def drift_ppm(self) -> float | None:
        ppm = self._controller.drift_ppm
        return None if ppm is None else round(ppm, 2)

    def before_cycle(self, available: int) -> None:
        """Note the level that JACK finds. Called in JACK's thread."""
        self._highest_frames = max(self._highest_frames, available)

    def after_packet(self, feed: Feed, received_s: float, *, faults: int) -> float:
        """Note the arrival of a packet; returns the correction in ppm. `faults` counts whatever interrupts a series."""
        now_s = self._clock.read()[1] / self._rate_hz
        if faults != self._faults or not feed.flows:
            self._faults = faults
            self._controller.restart()
            self._begin(now_s)
        self._earliest_s = max(self._earliest_s, received_s - now_s)
        if now_s - self._begin_s >= BUCKET_S:
            level_s = self._highest_frames / self._rate_hz
            self._controller.observe(now_s, now_s + self._earliest_s, lowest_s=level_s, highest_s=level_s)
            self._begin(now_s)
        return self._controller.correction_ppm

    def _begin(self, now_s: float) -> None:
        self._begin_s, self._highest_frames, self._earliest_s = now_s, 0, -math.inf
