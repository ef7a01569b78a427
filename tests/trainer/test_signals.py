"""Ctrl-C between two steps."""

from __future__ import annotations

import os
import signal

import pytest

from trainer.signals import SIGNALS, stop_signals


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_remembered_and_the_second_interrupts(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stop_signals() as asked:
        assert not asked()
        os.kill(os.getpid(), number)
        assert asked()
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
