"""Work for all cores, in order."""

import os
import signal
import time

import pytest

from tidzam.errors import AudioError, NodeError
from tidzam.parallel import cores, in_order


def slow_square(number: int) -> tuple[int, int]:
    """The first job takes longest."""
    time.sleep(0.05 if number == 0 else 0)
    if number == 7:
        raise AudioError("Seven is not audio.", hint="Try eight.", code="audio_empty")
    return number * number, os.getpid()


def die(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_the_order_of_the_jobs() -> None:
    done = list(in_order(slow_square, range(7), processes=2))
    assert [square for square, _ in done] == [number * number for number in range(7)]
    assert os.getpid() not in {process for _, process in done}
    assert [square for square, _ in in_order(slow_square, range(3), processes=1)] == [0, 1, 4]


@pytest.mark.parametrize("processes", [1, 2])
def test_what_a_job_raises_is_raised_at_its_place(processes: int) -> None:
    results = in_order(slow_square, range(20), processes=processes)
    assert [next(results)[0] for _ in range(7)] == [number * number for number in range(7)]
    with pytest.raises(AudioError, match="Seven is not audio") as caught:
        next(results)
    assert caught.value.hint == "Try eight."
    assert caught.value.code == "audio_empty"


def test_a_killed_process_is_reported() -> None:
    with pytest.raises(NodeError, match="worker process was killed"):
        list(in_order(die, range(9), processes=2))


def test_there_is_a_core() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
