"""A live stream from the packets of a client to the cycles of JACK, on a simulated clock."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.live import bursts, packets, ramp, tone_pcm
from tests.support.sound import tone
from tidzam.jack.live_slot import LiveSlot
from tidzam.types import Float32

JACK_HZ = 48000
CYCLE = 1024


def slot(*, rate_hz: int = JACK_HZ, delay_s: float = 0.5, buffer_s: float = 5.0, cycle: int = CYCLE) -> LiveSlot:
    return LiveSlot(0, rate_hz=rate_hz, delay_s=delay_s, buffer_s=buffer_s, cycle_frames=cycle)


def play(
    live: LiveSlot,
    arrivals: Sequence[tuple[float, bytes]],
    *,
    client_hz: int = JACK_HZ,
    jack_hz: int = JACK_HZ,
    cycle: int = CYCLE,
    end: bool = True,
    extra_s: float = 0.0,
) -> Float32:
    """What JACK plays from the first packet on, until all of it has been played, or for `extra_s` after the last."""
    waiting, played, frame = list(reversed(arrivals)), [], 0
    last_s = arrivals[-1][0] + extra_s
    while frame / jack_hz <= last_s or (end and not live.has_ended):
        while waiting and waiting[-1][0] <= frame / jack_hz:
            live.write(waiting.pop()[1], client_hz)
            if not waiting and end:
                live.end()
        block = np.ones((1, cycle), np.float32)
        live.read(frame, block)
        played.append(block[0])
        frame += cycle
    return np.concatenate(played)


def numbers(played: Float32) -> list[int]:
    """The PCM samples in `played`, without the silence around them."""
    values = np.round(played.astype(np.float64) * 32768).astype(int)
    sound = np.flatnonzero(played)
    return values[sound[0] : sound[-1] + 1].tolist() if len(sound) else []


@pytest.mark.parametrize("cycle", [256, 1024, 8192])
@pytest.mark.parametrize("seed", range(4))
def test_a_ramp_with_packets_up_to_300_ms_late_in_bursts_arrives_without_a_wrong_sample(seed: int, cycle: int) -> None:
    pcm = ramp(20 * JACK_HZ)
    live = slot(cycle=cycle)
    played = play(live, packets(pcm, rate_hz=JACK_HZ, lateness=bursts(seed)), cycle=cycle)
    assert numbers(played) == np.frombuffer(pcm, "<i2").tolist()
    assert live.status.gaps == 0


def test_the_first_packet_may_be_the_only_late_one() -> None:
    pcm = ramp(5 * JACK_HZ)
    played = play(slot(), packets(pcm, rate_hz=JACK_HZ, lateness=lambda number: 0.3 if number == 0 else 0.0))
    assert numbers(played) == np.frombuffer(pcm, "<i2").tolist()


def test_without_drift_no_sample_changes_in_half_an_hour_however_late_packets_are() -> None:
    live, chance = slot(), random.Random(5)
    pcm = ramp(JACK_HZ // 2)
    played: list[Float32] = []
    frame, sent, due_s = 0, 0, 0.5
    while sent < 3600:
        while due_s <= frame / JACK_HZ and sent < 3600:
            live.write(pcm, JACK_HZ)
            sent += 1
            due_s = 0.5 * (sent + 1) + (chance.random() * 0.3 if sent % 40 else 0.3)
        block = np.empty((1, CYCLE), np.float32)
        live.read(frame, block)
        frame += CYCLE
        if live.status.plays:
            played.append(block[0])
    heard = np.concatenate(played)
    expected = np.resize(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768, len(heard))
    assert np.array_equal(heard, expected)


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_a_clock_that_drifts_for_two_hours_causes_neither_gaps_nor_growth(drift_ppm: int) -> None:
    rate_hz, cycle, packet_s, lateness = (
        2000,
        128,
        0.1,
        bursts(1, packet_s=0.1),
    )  # a low rate, so that hours take seconds
    live = slot(rate_hz=rate_hz, buffer_s=10.0, cycle=cycle)
    pcm = np.full(round(packet_s * rate_hz), 1000, "<i2").tobytes()
    block = np.empty((1, cycle), np.float32)
    frame, sent, due_s, highest_s = 0, 1, packet_s, 0.0
    while frame < 2 * 3600 * rate_hz:
        while due_s <= frame / rate_hz:
            live.write(pcm, rate_hz)
            sent += 1
            due_s = max(due_s, sent * packet_s / (1 + drift_ppm * 1e-6) + lateness(sent))
        live.read(frame, block)
        frame += cycle
        highest_s = max(highest_s, live.status.buffered_s)
    status = live.status
    assert (status.gaps, status.dropped_s) == (0, 0.0)
    assert highest_s < 1.2
    assert status.drift_ppm == pytest.approx(drift_ppm, abs=20)


def test_a_pause_is_filled_with_silence_and_counted_and_nothing_after_it_is_lost() -> None:
    pcm = ramp(4 * JACK_HZ)
    live = slot()
    arrivals = [(time_s + (2.0 if time_s > 2 else 0.0), packet) for time_s, packet in packets(pcm, rate_hz=JACK_HZ)]
    played = play(live, arrivals)
    sound = numbers(played)
    assert [value for value in sound if value] == [value for value in np.frombuffer(pcm, "<i2").tolist() if value]
    assert live.status.gaps == 1
    assert live.status.gap_s == pytest.approx(2.0, abs=0.1)


def test_a_flood_loses_its_own_packets_whole_and_is_counted() -> None:
    live = slot(buffer_s=1.0)
    pcm = ramp(JACK_HZ // 10)
    for _ in range(100):
        live.write(pcm, JACK_HZ)
    status = live.status
    assert status.buffered_s <= 1.1
    assert status.buffered_s + status.dropped_s == pytest.approx(10.0, abs=0.01)


def test_a_short_sound_is_played_although_nothing_follows() -> None:
    pcm = ramp(JACK_HZ // 10)
    live = slot()
    played = play(live, packets(pcm, rate_hz=JACK_HZ), end=False, extra_s=1.5)
    heard = numbers(played)
    assert heard == np.frombuffer(pcm, "<i2").tolist()[: len(heard)]
    assert len(heard) >= JACK_HZ // 10 - 64  # the resampler for drift holds back what may still be interpolated


def test_what_is_buffered_at_the_end_is_played_without_a_gap() -> None:
    live = slot()
    play(live, packets(ramp(JACK_HZ), rate_hz=JACK_HZ))
    assert live.has_ended
    assert live.status.gaps == 0


@pytest.mark.parametrize("client_hz", [8000, 11025, 16000, 22050, 44100, 96000, 192000])
def test_any_rate_is_resampled_to_that_of_jack(client_hz: int) -> None:
    pcm = tone_pcm(1000, rate_hz=client_hz, seconds=3)
    live = slot()
    played = play(live, packets(pcm, rate_hz=client_hz), client_hz=client_hz)
    heard = played[np.flatnonzero(played)[0] :][: 3 * JACK_HZ]
    expected = tone(1000, rate_hz=JACK_HZ, duration_s=3)
    middle = slice(JACK_HZ, 2 * JACK_HZ)
    assert live.status.played_s == pytest.approx(3.0, abs=0.01)
    assert best_error(heard[middle], expected[middle]) < 2e-3


def best_error(heard: Float32, expected: Float32) -> float:
    """The largest difference of two tones of 1000 Hz, whatever their phases."""
    phase = 2 * math.pi * 1000 / JACK_HZ * np.arange(len(heard))
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    amplitudes, *_ = np.linalg.lstsq(basis, heard.astype(np.float64), rcond=None)
    residual = float(np.abs(heard - basis @ amplitudes).max())
    return max(residual, abs(float(np.hypot(*amplitudes)) - float(np.abs(expected).max())))


def test_a_client_may_change_its_rate() -> None:
    live = slot()
    for rate_hz in (48000, 16000, 44100):
        live.write(ramp(rate_hz // 2), rate_hz)
    live.end()
    assert live.status.buffered_s == pytest.approx(1.5, abs=0.001)
