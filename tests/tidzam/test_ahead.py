"""Items that a thread computes ahead."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from contextvars import ContextVar

import pytest

from tidzam.ahead import ahead


def test_items_come_in_their_order() -> None:
    assert list(ahead(iter_of(range(100)), count=3)) == list(range(100))


def iter_of(numbers: range) -> Generator[int]:
    yield from numbers


def test_no_more_are_computed_than_asked_for() -> None:
    computed = threading.Semaphore(0)
    count = 0

    def items() -> Generator[int]:
        nonlocal count
        while True:
            count += 1
            computed.release()
            yield count

    with closing(ahead(items(), count=2)) as found:
        assert next(found) == 1
        for _ in range(3):  # one is in use, two are ahead
            assert computed.acquire(timeout=30)
    assert count == 3


def test_an_exception_comes_after_the_items_before_it() -> None:
    def items() -> Generator[int]:
        yield 1
        raise ValueError("two")

    found = ahead(items(), count=2)
    assert next(found) == 1
    with pytest.raises(ValueError, match="two"):
        next(found)


def test_closing_it_closes_the_items() -> None:
    closed = threading.Event()

    def items() -> Generator[int]:
        try:
            yield from iter_of(range(10))
        finally:
            closed.set()

    with closing(ahead(items())) as found:
        assert next(found) == 0
    assert closed.is_set()


def test_items_are_computed_in_a_thread_of_that_name() -> None:
    (name,) = ahead((threading.current_thread().name for _ in range(1)), name="decoding")
    assert name.startswith("decoding")


def test_items_are_computed_in_the_context_of_the_caller() -> None:
    number = ContextVar("number", default=0)
    number.set(7)
    assert list(ahead(number.get() for _ in range(2))) == [7, 7]
