"""Clients that JACK does not call, judged by the frames of both clocks."""

from __future__ import annotations

from tidzam.jack.callback_watch import CallbackWatch

RATE_HZ, PERIOD = 48000, 2048
LIMIT = 10 * RATE_HZ
WRAP = 1 << 32


def test_a_callback_that_runs_in_every_cycle_is_not_forgotten() -> None:
    watch = CallbackWatch(LIMIT)
    assert not any(watch.is_forgotten(frame, frame) for frame in range(0, 60 * RATE_HZ, PERIOD))


def test_a_callback_that_never_ran_is_forgotten_after_the_limit() -> None:
    watch = CallbackWatch(LIMIT)
    cycles = range(0, 60 * RATE_HZ, PERIOD)
    first = next(cycle for cycle in cycles if watch.is_forgotten(cycle, 0))
    assert LIMIT < first <= LIMIT + PERIOD


def test_a_server_whose_cycles_stand_still_forgets_nobody() -> None:
    watch = CallbackWatch(LIMIT)
    assert not any(watch.is_forgotten(1000, 1000) for _ in range(1000))


def test_the_clock_of_jack_may_wrap_around_in_between() -> None:
    watch = CallbackWatch(LIMIT)
    start = WRAP - PERIOD
    assert not watch.is_forgotten(start, 5)
    assert not watch.is_forgotten((start + LIMIT) % WRAP, 5)
    assert watch.is_forgotten((start + LIMIT + PERIOD) % WRAP, 5)
