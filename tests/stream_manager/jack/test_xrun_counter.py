"""Xruns of JACK's driver and of clients."""

from __future__ import annotations

import pytest

from stream_manager.jack.xrun_counter import XrunCounter


def test_a_delay_that_stays_is_counted_once() -> None:
    counter = XrunCounter()
    for delayed_us in (0.0, 25_000.0, 25_000.0, 25_000.0, 5_000.0):
        counter.add(delayed_us)
    count, late_s = counter.take()
    assert count == 5
    assert late_s == pytest.approx(0.03)
    assert counter.take() == (0, 0.0)
