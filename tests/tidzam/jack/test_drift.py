"""The drift controller on a simulated clock: sources that are fast, slow, jittery, segmented, and lose audio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from tidzam.jack.drift import MAX_PPM, BufferLimits, DriftController

DELAY_S, CAPACITY_S = 0.5, 15.0
HOUR_S = 3600.0

Arrivals = Iterator[tuple[float, float]]
"""Pairs of the time when audio arrives, by JACK's clock, and how many seconds of it, by the source's."""


@dataclass
class Course:
    """What happened: the lowest and the highest level after the first minute, and the corrections."""

    controller: DriftController
    lowest_s: float = np.inf
    highest_s: float = 0.0
    largest_ppm: float = 0.0


def packets(
    hours: float, ppm: float, *, length_s: float = 0.1, jitter_s: float = 0.0, burst_s: float = 0.0, seed: int = 0
) -> Arrivals:
    """Packets of a source that is `ppm` fast, each up to `jitter_s` late but in order, after a burst."""
    late_s = np.random.default_rng(seed).uniform(0.0, jitter_s, round(hours * HOUR_S / length_s))
    arrived_s = 0.0
    yield 0.0, DELAY_S + burst_s
    for index, delay_s in enumerate(late_s):
        arrived_s = max(arrived_s, (index + 1) * length_s * (1 - ppm * 1e-6) + delay_s)
        yield arrived_s, length_s


def late_packets(hours: float, ppm: float, *, seed: int = 0) -> Arrivals:
    """Packets that a busy machine receives or reads late: by 50 ms on average, and one in a hundred by up to 1 s."""
    generator, count = np.random.default_rng(seed), round(hours * HOUR_S * 10)
    late_s = generator.exponential(0.05, count) + (generator.random(count) < 0.01) * generator.uniform(0.1, 1.0, count)
    due_s = np.arange(1, count + 1) * 0.1 * (1 - ppm * 1e-6)
    yield 0.0, DELAY_S + 4.0
    for now_s in np.maximum.accumulate(due_s + late_s):
        yield float(now_s), 0.1


def segments(hours: float, ppm: float, *, seed: int = 0) -> Arrivals:
    """Segments of 2 to 10 s, each decoded at once when the playlist is read, up to 2 s after it is complete."""
    generator = np.random.default_rng(seed)
    lengths_s = generator.integers(20, 101, round(hours * HOUR_S / 6)) * 0.1
    due_s = np.cumsum(lengths_s) * (1 - ppm * 1e-6)
    yield 0.0, DELAY_S + 12.0
    for now_s, length_s in zip(due_s + generator.uniform(0, 2, len(due_s)), lengths_s, strict=True):
        for index in range(round(length_s * 10)):
            yield float(now_s) + 0.001 * index, 0.1


def run(arrivals: Arrivals, *, watch: Callable[[float, DriftController], None] = lambda now_s, one: None) -> Course:
    """Play `arrivals` with the corrections of a controller, and fail if the buffer runs empty or over."""
    course = Course(DriftController(BufferLimits(DELAY_S, CAPACITY_S)))
    controller, before_s, received_s, buffered_s = course.controller, 0.0, 0.0, 0.0
    for now_s, length_s in arrivals:
        buffered_s -= (now_s - before_s) * (1 + controller.correction_ppm * 1e-6)
        assert buffered_s >= 0, f"an underrun after {now_s:.0f} s"
        controller.observe(now_s, received_s + length_s, lowest_s=buffered_s, highest_s=buffered_s + length_s)
        if now_s > 60:
            course.lowest_s = min(course.lowest_s, buffered_s)
            course.highest_s = max(course.highest_s, buffered_s + length_s)
        course.largest_ppm = max(course.largest_ppm, abs(controller.correction_ppm))
        watch(now_s, controller)
        buffered_s, received_s, before_s = buffered_s + length_s, received_s + length_s, now_s
        assert buffered_s <= CAPACITY_S, f"an overrun after {now_s:.0f} s"
    return course


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_a_source_200_ppm_off_neither_underruns_nor_grows_its_buffer_in_six_hours(ppm: float) -> None:
    course = run(packets(6, ppm, jitter_s=0.3))
    assert course.lowest_s > 0.05
    assert course.highest_s < 0.5 + 0.3 + 0.3


@pytest.mark.parametrize("ppm", [200.0, -200.0, 35.0, 0.0])
def test_the_drift_is_reported_within_5_ppm(ppm: float) -> None:
    course = run(packets(2, ppm, jitter_s=0.3))
    assert course.controller.drift_ppm == pytest.approx(ppm, abs=5)


def test_without_jitter_the_drift_is_known_within_two_minutes() -> None:
    course = run(packets(2 / 60, -120.0))
    assert course.controller.drift_ppm == pytest.approx(-120, abs=1)


def test_a_source_with_the_clock_of_jack_is_never_corrected() -> None:
    assert run(packets(6, 0.0, jitter_s=0.3)).largest_ppm == 0


def test_no_correction_exceeds_a_tenth_of_a_percent() -> None:
    assert run(packets(1, 900.0, burst_s=8.0)).largest_ppm <= MAX_PPM


@pytest.mark.parametrize("ppm", [500.0, -200.0])
def test_on_a_busy_machine_the_drift_is_known_within_two_minutes(ppm: float) -> None:
    course = run(late_packets(2 / 60, ppm))
    assert course.controller.drift_ppm == pytest.approx(ppm, abs=20)


def test_on_a_busy_machine_a_source_with_the_clock_of_jack_is_never_corrected() -> None:
    assert run(late_packets(2, 0.0)).largest_ppm == 0


@pytest.mark.parametrize("ppm", [500.0, -200.0])
def test_the_drift_of_segments_of_varying_length_is_found_within_an_hour(ppm: float) -> None:
    assert run(segments(1, ppm)).controller.drift_ppm == pytest.approx(ppm, abs=50)


@pytest.mark.parametrize("step_s", [1.0, -1.0])
@pytest.mark.parametrize("after_s", [40, 120, 1800])
def test_a_step_of_the_arrivals_does_not_count_as_drift(step_s: float, after_s: float) -> None:
    def stepped() -> Arrivals:
        arrived_s = 0.0
        for now_s, length_s in packets(1, 0.0, jitter_s=0.1, burst_s=6.0):
            arrived_s = max(arrived_s, now_s + (step_s if now_s > after_s else 0.0))
            yield arrived_s, length_s

    found: list[float] = []
    run(stepped(), watch=lambda now_s, controller: found.append(controller.drift_ppm or 0.0))
    assert max(map(abs, found)) < 100


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_segments_of_six_seconds_do_not_disturb_it(ppm: float) -> None:
    course = run(packets(6, ppm, length_s=6.0, jitter_s=0.5, burst_s=6.5))
    assert course.controller.drift_ppm == pytest.approx(ppm, abs=20)
    assert course.highest_s < 6.5 + 6 + 1


def test_the_burst_of_a_server_is_kept_as_a_reserve() -> None:
    course = run(packets(1, 200.0, burst_s=4.0))
    assert course.lowest_s > 4.0


def test_before_it_is_sure_it_reports_nothing() -> None:
    assert run(packets(30 / HOUR_S, 200.0, jitter_s=0.3)).controller.drift_ppm is None


def test_a_restart_keeps_what_is_known_of_the_clock() -> None:
    controller = run(packets(1, 200.0)).controller
    known_ppm = controller.drift_ppm
    controller.restart()
    assert controller.drift_ppm == known_ppm
    assert controller.correction_ppm == pytest.approx(200, abs=50)


def test_audio_that_is_lost_for_good_does_not_count_as_drift() -> None:
    def lossy() -> Arrivals:
        for now_s, length_s in packets(2, 0.0, burst_s=6.0):
            if not HOUR_S < now_s < HOUR_S + 2:
                yield now_s, length_s

    found: list[float] = []

    def watch(now_s: float, controller: DriftController) -> None:
        found.append(controller.drift_ppm or 0.0)

    run(lossy(), watch=watch)
    assert found[-1] == pytest.approx(0.0, abs=5)
    assert max(map(abs, found)) < 60
