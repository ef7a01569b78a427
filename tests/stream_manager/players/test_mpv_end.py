"""The end of an mpv: a program that sleeps stands for it."""

from __future__ import annotations

import os
import signal

import pytest

from stream_manager.players.mpv_end import QUIT_S, TERM_GRACE_S, until_quit
from tests.support.eventually import eventually_async
from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.node.supervisor import LONG_STOP_WAIT_S
from tidzam.process import REAP_S, child_process, is_suspended

pytestmark = pytest.mark.timeout(20)


async def test_a_suspended_one_is_killed_at_once() -> None:
    async with child_process(["sleep", "60"], name="mpv") as mpv:
        os.kill(mpv.pid, signal.SIGSTOP)
        await eventually_async(lambda: is_suspended(mpv.pid))
        await until_quit(mpv, patience_s=10.0)
        assert mpv.returncode == -signal.SIGKILL


async def test_one_that_runs_is_not_killed_while_it_may_quit() -> None:
    async with child_process(["sleep", "60"], name="mpv") as mpv:
        await until_quit(mpv, patience_s=0.05)
        assert mpv.returncode is None


async def test_one_that_quits_is_not_waited_for_any_longer() -> None:
    async with child_process(["sleep", "0.05"], name="mpv") as mpv:
        await until_quit(mpv, patience_s=60.0)
        assert mpv.returncode == 0


def test_all_steps_together_take_no_longer_than_a_process_with_a_jack_client_may() -> None:
    assert QUIT_S + TERM_GRACE_S <= CLIENT_GRACE_S


def test_a_stream_manager_that_stops_can_wait_for_an_mpv_that_cannot_be_killed() -> None:
    assert QUIT_S + TERM_GRACE_S + REAP_S < LONG_STOP_WAIT_S
