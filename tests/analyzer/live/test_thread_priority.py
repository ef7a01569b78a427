"""The priority of a thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from analyzer.live.thread_priority import lower_priority


def in_a_thread(work: Callable[[], int]) -> int:
    """The result of `work`, run in a thread of its own, whose priority ends with it."""
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.parametrize(("before", "wanted", "after"), [(0, 5, 5), (10, 5, 10), (10, 15, 15)])
def test_a_priority_is_lowered_and_never_raised(before: int, wanted: int, after: int) -> None:
    def lowered() -> int:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), max(before, nice()))
        lower_priority(wanted)
        return nice()

    assert in_a_thread(lowered) == max(after, nice())
