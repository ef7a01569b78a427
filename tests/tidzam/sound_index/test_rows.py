"""Which rows of an index are free."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidzam.sound_index.rows import RowSpace, runs_of


def test_new_rows_come_after_those_in_use() -> None:
    assert RowSpace([(0, 4)]).take(3) == [(4, 3)]


def test_holes_are_filled_first_and_what_is_left_goes_to_the_end() -> None:
    assert RowSpace([(2, 2), (6, 1)]).take(5) == [(0, 2), (4, 2), (7, 1)]


def test_a_hole_that_is_not_filled_stays_free() -> None:
    space = RowSpace([(5, 1)])
    space.take(2)
    assert space.take(3) == [(2, 3)]


@given(st.lists(st.integers(1, 9), min_size=1), st.data())
def test_no_row_is_ever_in_use_twice(sizes: list[int], data: st.DataObject) -> None:
    space = RowSpace([])
    taken = [place for size in sizes for place in space.take(size)]
    kept = [place for place in taken if data.draw(st.booleans())]
    again = RowSpace(kept)
    fresh = [place for size in sizes for place in again.take(size)]
    rows = [row for first, count in (*kept, *fresh) for row in range(first, first + count)]
    assert len(rows) == len(set(rows))


def test_ranges_that_touch_are_one_run() -> None:
    assert runs_of(np.array([4, 0, 9]), np.array([2, 4, 1])) == [(0, 6), (9, 1)]


def test_no_ranges_are_no_runs() -> None:
    assert runs_of(np.zeros(0, np.int64), np.zeros(0, np.int64)) == []
