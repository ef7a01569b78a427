"""How a process callback is ended before its client is closed, with cycles that the test runs."""

from __future__ import annotations

import threading
import time

import pytest

from tidzam.jack import callback_end
from tidzam.jack.callback_end import CallbackEnd


class Cycles:
    """Runs a callback every 5 ms until `stop`. `work` counts the cycles in which the callback did something."""

    def __init__(self, end: CallbackEnd) -> None:
        self._end, self.work = end, 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(0.005):
            if self._end.is_wanted:
                self._end.confirm()
            else:
                self.work += 1

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()


def test_once_the_end_is_reached_the_callback_does_nothing() -> None:
    end = CallbackEnd()
    cycles = Cycles(end)
    time.sleep(0.05)
    end.reach()
    done = cycles.work
    time.sleep(0.05)
    cycles.stop()
    assert done > 0
    assert cycles.work == done


def test_a_server_without_cycles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callback_end, "_CYCLE_S", 0.05)
    CallbackEnd().reach()


def test_the_end_can_be_wanted_for_several_clients_before_it_is_reached() -> None:
    ends = [CallbackEnd(), CallbackEnd()]
    for end in ends:
        end.want()
    assert all(end.is_wanted for end in ends)
