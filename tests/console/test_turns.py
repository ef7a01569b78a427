"""How many requests work at a time, how many wait, and that further ones are refused."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from console.services.turns import WAITING_PER_TURN, BusyError, Turns
from tests.support.eventually import eventually


def test_no_more_than_those_allowed_work() -> None:
    turns = Turns(2)
    with turns.one(), turns.one(), pytest.raises(BusyError), turns.one(patience_s=0):
        pass


def test_a_turn_that_has_ended_is_free_again() -> None:
    turns = Turns(1)
    with turns.one():
        pass
    with turns.one(patience_s=0):
        pass


def test_those_who_wait_get_their_turn() -> None:
    turns, worked = Turns(1), threading.Event()

    def work() -> None:
        with turns.one():
            worked.set()

    with turns.one():
        waiting = threading.Thread(target=work)
        waiting.start()
    waiting.join(timeout=20)
    assert worked.is_set()


def test_too_many_who_wait_are_refused_at_once() -> None:
    turns, refused, ended = Turns(1), list[str](), threading.Event()

    def work() -> None:
        try:
            with turns.one():
                ended.wait(timeout=20)
        except BusyError as error:
            refused.append(error.code)

    with ExitStack() as threads:
        threads.callback(ended.set)
        for _ in range(2 + WAITING_PER_TURN):
            thread = threading.Thread(target=work)
            thread.start()
            threads.callback(thread.join)
        eventually(lambda: refused == ["busy"], what="the last one is refused")
        assert refused == ["busy"]
        ended.set()
