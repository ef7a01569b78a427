"""Reports of a helper process: at intervals, and all from one thread."""

from __future__ import annotations

import threading

from tests.support.eventually import eventually
from tidzam.jack.helper_protocol import reporting


def test_reports_are_sent_at_intervals_and_at_the_end() -> None:
    state, sent = ["open"], list[str]()
    with reporting(lambda: sent.append(state[0]), every_s=0.001):
        eventually(lambda: len(sent) > 3)
        state[0] = "ended"
    assert (sent[0], sent[-1]) == ("open", "ended")


def test_the_first_report_is_sent_at_once() -> None:
    sent = threading.Event()
    with reporting(sent.set, every_s=3600):
        assert sent.wait(10)


def test_all_reports_are_sent_from_one_thread_that_has_ended_with_the_context() -> None:
    threads = list[threading.Thread]()
    with reporting(lambda: threads.append(threading.current_thread()), every_s=0.001):
        eventually(lambda: len(threads) > 3)
    assert len(set(threads)) == 1
    assert not threads[0].is_alive()
