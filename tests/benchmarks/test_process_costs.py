"""The arithmetic of `bench streams`: what processes cost, by source."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest

from benchmarks.process_costs import Cost, ProcessReading, costs, read_processes
from benchmarks.streams import Counts, changed, kill_times

BEFORE = {1: ProcessReading("pond", 10.0, 1_000_000), 2: ProcessReading("lake", 5.0, 1_000_000)}


def test_processor_time_is_a_share_of_one_core() -> None:
    after = {1: ProcessReading("pond", 12.0, 3_000_000)}
    assert costs(BEFORE, after, 8.0) == {"pond": Cost(25.0, 3.0)}


def test_the_processes_of_a_source_are_added_up() -> None:
    after = {1: ProcessReading("pond", 11.0, 1_000_000), 3: ProcessReading("pond", 1.0, 2_000_000)}
    assert costs(BEFORE, after, 10.0) == {"pond": Cost(20.0, 3.0)}


def test_a_process_id_that_was_used_again_counts_from_zero() -> None:
    assert costs(BEFORE, {1: ProcessReading("lake", 1.0, 0)}, 10.0) == {"lake": Cost(10.0, 0.0)}


def test_a_share_is_the_mean() -> None:
    assert Cost(8.0, 4.0).per(4) == Cost(2.0, 1.0)


def test_this_process_is_read() -> None:
    reading = read_processes({"tests": os.getpid()}, ())[os.getpid()]
    assert reading.group == "tests"
    assert reading.cpu_s > 0
    assert 1e6 < reading.memory_bytes < 1e11


def test_only_sources_whose_counts_differ_have_changed() -> None:
    before = {"pond": Counts(1, 0), "lake": Counts(0, 2)}
    assert changed(before, {"pond": Counts(1, 0), "lake": Counts(0, 3)}) == {"lake"}


def test_a_source_that_is_gone_has_changed() -> None:
    assert changed({"pond": Counts(0, 0)}, {}) == {"pond"}


@pytest.mark.parametrize("seconds", [60.0, 600.0])
def test_kills_are_spread_at_random_with_time_to_heal_between_them(seconds: float) -> None:
    times = kill_times(4, seconds, seed=3)
    assert times == kill_times(4, seconds, seed=3) != kill_times(4, seconds, seed=4)
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < seconds
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.5 * seconds / 4
