"""The feed between a writer and JACK, with cycles that the test runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tidzam.jack.drift import MAX_PPM
from tidzam.jack.feed import Feed, FeedWriter
from tidzam.jack.feed_input import FeedInput, make_feed
from tidzam.jack.feeder_protocol import Pacing
from tidzam.types import Float32

PERIOD = 4


def never(pause_s: float) -> None:
    raise AssertionError("the writer had to wait")


def make(*, channels: int = 1, capacity_frames: int = 16, prebuffer_frames: int = 4) -> Feed:
    return Feed(channels, capacity_frames=capacity_frames, prebuffer_frames=prebuffer_frames)


def make_live_input(feed: Feed, rate_hz: int, delay_s: float, frame_time: Callable[[], int]) -> FeedInput:
    """An input at the rate of JACK."""
    return FeedInput(
        feed,
        channels=1,
        rate_hz=rate_hz,
        jack_rate_hz=rate_hz,
        pacing=Pacing.PUSH,
        delay_s=delay_s,
        frame_time=frame_time,
        wait=never,
    )


def ramp(begin: int, end: int, channels: int = 1) -> Float32:
    return np.stack([np.arange(begin, end) + 100 * channel for channel in range(channels)]).astype(np.float32)


def cycle(feed: Feed, frame: int, *, channels: int = 1, frames: int = PERIOD) -> list[list[float]]:
    block = np.full((channels, frames), 7.0, np.float32)
    feed.fill(frame, block)
    rows: list[list[float]] = block.tolist()
    return rows


def test_silence_is_played_until_the_prebuffer_is_full_and_counts_as_no_underrun() -> None:
    feed = make(prebuffer_frames=6)
    feed.put(ramp(1, 6))
    assert cycle(feed, 100) == [[0, 0, 0, 0]]
    feed.put(ramp(6, 8))
    assert cycle(feed, 104) == [[1, 2, 3, 4]]
    assert (feed.underruns, feed.first_frame, feed.position) == (0, 104, (108, 4))


def test_each_channel_is_played_across_the_end_of_the_ring() -> None:
    feed, heard = make(channels=2, capacity_frames=8), []
    for index in range(6):
        feed.put(ramp(4 * index, 4 * index + 4, 2))
        heard += cycle(feed, 4 * index, channels=2)[1]
    assert heard == [100 + value for value in range(24)]


def test_an_underrun_is_silence_until_the_prebuffer_is_full_again() -> None:
    feed = make(prebuffer_frames=6)
    feed.put(ramp(1, 7))
    assert [cycle(feed, 0), cycle(feed, 4), cycle(feed, 8)] == [[[1, 2, 3, 4]], [[5, 6, 0, 0]], [[0, 0, 0, 0]]]
    assert (feed.underruns, feed.underrun_frames, feed.starves) == (1, 6, True)
    feed.put(ramp(7, 13))
    assert cycle(feed, 12) == [[7, 8, 9, 10]]
    assert (feed.underruns, feed.position, feed.starves) == (1, (16, 10), False)


def test_what_is_left_at_the_end_is_played_and_is_no_underrun() -> None:
    feed = make(prebuffer_frames=6)
    feed.put(ramp(1, 3))
    feed.end()
    assert not feed.is_drained
    assert cycle(feed, 0) == [[1, 2, 0, 0]]
    assert feed.is_drained
    assert (feed.underruns, feed.underrun_frames) == (0, 0)


def test_an_empty_input_is_drained_at_once() -> None:
    feed = make()
    feed.end()
    assert cycle(feed, 0) == [[0, 0, 0, 0]]
    assert feed.is_drained


def test_cycles_that_jack_skipped_are_counted_across_the_wrap_of_its_clock() -> None:
    feed = make()
    cycle(feed, (1 << 32) - 4)
    cycle(feed, 4)
    assert (feed.skipped_frames, feed.clock_frames) == (4, 12)


def test_a_cycle_that_is_announced_twice_does_not_set_the_clock_forward() -> None:
    """A late callback reads the time of the next cycle, which is then read twice."""
    feed = make()
    for frame in (0, 2 * PERIOD, 2 * PERIOD, 3 * PERIOD):
        cycle(feed, frame)
    assert feed.clock_frames == 4 * PERIOD


def test_a_writer_waits_while_the_feed_is_full_and_loses_nothing() -> None:
    feed = make(capacity_frames=8)
    heard: list[float] = []

    def play(pause_s: float) -> None:
        heard.extend(cycle(feed, len(heard))[0])

    FeedWriter(feed, 44100, play).write(ramp(0, 40))
    while feed.available:
        play(0.0)
    assert heard == list(range(40))


def test_an_overrun_counts_once_until_the_feed_is_noticeably_emptier() -> None:
    feed = make(capacity_frames=40)

    def play(pause_s: float) -> None:
        cycle(feed, 0, frames=1)

    writer = FeedWriter(feed, 44100, play)
    writer.write(ramp(0, 50))
    assert (writer.overruns, writer.is_full) == (1, True)
    for at in range(0, 20, PERIOD):
        cycle(feed, at)
    writer.write(ramp(0, 4))
    assert not writer.is_full
    writer.write(ramp(0, 40))
    assert writer.overruns == 2


@pytest.mark.parametrize(("ahead_s", "capacity_frames"), [(7.0, 7500), (100.0, 30_500)])
def test_live_audio_that_can_wait_is_limited(ahead_s: float, capacity_frames: int) -> None:
    feed = make_feed(1, 1000, Pacing.PUSH, 0.5, period=4, ahead_s=ahead_s)
    assert feed.capacity_frames == capacity_frames


def test_a_writer_looks_often_for_room_in_a_large_feed() -> None:
    feed, pauses = make_feed(1, 8000, Pacing.PUSH, 0.5, period=256), list[float]()

    def play(pause_s: float) -> None:
        pauses.append(pause_s)
        cycle(feed, 0, frames=round(pause_s * 8000))

    FeedWriter(feed, 8000, play).write(np.zeros((1, 8000 * 40), np.float32))
    assert max(pauses) <= 0.25


def test_the_input_is_resampled_to_the_rate_of_jack_whole() -> None:
    feed = make_feed(2, 48000, Pacing.PULL, 0.5, period=1024)
    feed_input = FeedInput(
        feed,
        channels=2,
        rate_hz=44100,
        jack_rate_hz=48000,
        pacing=Pacing.PULL,
        delay_s=0.5,
        frame_time=lambda: 0,
        wait=never,
    )
    for _ in range(10):
        feed_input.write(np.full((4410, 2), 0.5, np.float32))
    feed_input.end()
    assert abs(feed.available - 48000) <= 1
    block = np.zeros((2, 40000), np.float32)
    feed.fill(0, block)
    assert np.allclose(block[:, 1000:], 0.5, atol=1e-4)


def test_live_audio_at_the_rate_of_jack_is_played_bit_by_bit_however_late_its_packets_are() -> None:
    rate_hz, generator = 8000, np.random.default_rng(3)
    feed = make_feed(1, rate_hz, Pacing.PUSH, 0.5, period=256)
    feed_input = make_live_input(feed, rate_hz, 0.5, lambda: feed.clock_frames)
    arrivals = np.maximum.accumulate(np.arange(1, 1500) * 160 / rate_hz + generator.uniform(0, 0.3, 1499))
    sent, heard = 0, []
    for number in range(900):
        while arrivals[sent] <= number * 256 / rate_hz:
            feed_input.write(np.arange(160 * sent + 1, 160 * sent + 161, dtype=np.float32)[:, np.newaxis])
            sent += 1
        heard += cycle(feed, 256 * number, frames=256)[0]
    played = np.trim_zeros(np.asarray(heard), "f")
    assert len(played) > 200_000
    assert np.array_equal(played, np.arange(1, len(played) + 1))
    assert feed_input.status().underruns == 0


class BackedUpSource:
    """A source whose clock is `ppm` too fast, and which has begun with a burst that is larger than the feed.

    The packets that the feed does not take wait at the source. `clock` counts the frames that JACK has played.
    """

    RATE_HZ, PACKET, BURST_S = 1000, 200, 6.0

    def __init__(self, ppm: float) -> None:
        self._ppm, self.clock = ppm, 0
        self.feed = make_feed(1, self.RATE_HZ, Pacing.PUSH, 0.5, period=10, ahead_s=5.0)
        self.writer = FeedInput(
            self.feed,
            channels=1,
            rate_hz=self.RATE_HZ,
            jack_rate_hz=self.RATE_HZ,
            pacing=Pacing.PUSH,
            delay_s=0.5,
            frame_time=lambda: self.clock,
            wait=self._play_for,
        )

    def run(self, seconds: float) -> None:
        for sent in range(0, round(seconds * self.RATE_HZ), self.PACKET):
            while self.clock < (sent - self.BURST_S * self.RATE_HZ) * (1 - self._ppm * 1e-6):
                self._play()
            self.writer.write(np.zeros((self.PACKET, 1), np.float32))

    def _play_for(self, pause_s: float) -> None:
        until = self.clock + pause_s * self.RATE_HZ
        while self.clock < until:
            self._play()

    def _play(self) -> None:
        cycle(self.feed, self.clock, frames=50)
        self.clock += 50


@pytest.mark.parametrize("ppm", [0.0, 100.0])
def test_a_feed_that_a_burst_has_filled_does_not_stay_full(ppm: float) -> None:
    source = BackedUpSource(ppm)
    source.run(2500.0)
    assert source.feed.available < 0.85 * source.feed.capacity_frames
    assert source.writer.status().overruns == 1


def test_a_full_feed_is_played_faster() -> None:
    source = BackedUpSource(0.0)
    source.run(60.0)
    assert source.writer.status().correction_ppm == MAX_PPM


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_a_drifting_tone_is_played_for_an_hour_without_a_cut_or_a_repetition(ppm: float) -> None:
    """The source's samples come 200 ppm too fast or too slowly; each packet is 1 s so that the test is quick."""
    rate_hz, frequency_hz, sent = 1000, 37.0, 0
    feed = make_feed(1, rate_hz, Pacing.PUSH, 2.0, period=32)
    feed_input = make_live_input(feed, rate_hz, 2.0, lambda: round((sent + rate_hz) * (1 - ppm * 1e-6)))
    clock, heard = 0, []
    while sent < 3600 * rate_hz:
        while clock / rate_hz < (sent + rate_hz) / rate_hz * (1 - ppm * 1e-6):
            block = np.zeros((1, 100), np.float32)
            feed.fill(clock, block)
            heard.append(block[0])
            clock += 100
        times = np.arange(sent, sent + rate_hz) / rate_hz
        feed_input.write(np.sin(2 * np.pi * frequency_hz * times).astype(np.float32)[:, np.newaxis])
        sent += rate_hz
    status = feed_input.status()
    assert (status.underruns, status.overruns) == (0, 0)
    assert status.drift_ppm == pytest.approx(ppm, abs=5)
    assert status.correction_ppm * ppm > 0
    played = np.concatenate(heard)[10_000:].astype(np.float64)
    omega = 2 * np.pi * frequency_hz / rate_hz
    predicted = 2 * np.cos(omega) * played[1:-1] - played[:-2]
    assert np.abs(played[2:] - predicted).max() < 1e-3
