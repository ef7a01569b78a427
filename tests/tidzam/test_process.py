"""Child processes end with the context that holds them, and tell what they said."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.eventually import eventually_async
from tidzam.errors import SetupError
from tidzam.process import RestartPolicy, child_process


async def test_its_lines_are_kept_without_passwords() -> None:
    seen: list[str] = []
    script = "import sys; print('out'); print('icecast://source:secret@h/x', file=sys.stderr)"
    async with child_process(
        [sys.executable, "-c", script], name="talker", merge_output=True, on_line=seen.append
    ) as child:
        assert await child.wait() == 0
    assert sorted(seen) == sorted(child.tail) == ["icecast://h/x", "out"]


async def test_leaving_ends_it_and_what_it_started() -> None:
    async with child_process(["sh", "-c", "sleep 60 & sleep 60"], name="parent") as child:
        await eventually_async(lambda: bool(psutil.Process(child.pid).children()))
        family = [child.pid, *(grandchild.pid for grandchild in psutil.Process(child.pid).children())]
    assert child.returncode == -signal.SIGTERM
    await eventually_async(lambda: not any(_alive(pid) for pid in family))


async def test_one_that_will_not_go_is_killed() -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    ready = asyncio.Event()
    argv = [sys.executable, "-c", stubborn]
    began = time.monotonic()
    async with child_process(
        argv, name="stubborn", grace_s=0.3, merge_output=True, on_line=lambda line: ready.set()
    ) as child:
        await ready.wait()
    assert child.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 5


async def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(SetupError, match="no-such-program"):
        async with child_process(["no-such-program"], name="nobody"):
            pass


@given(st.integers(1, 10_000))
def test_the_wait_grows_and_is_bounded(failures: int) -> None:
    policy = RestartPolicy(first_delay_s=0.5, max_delay_s=5)
    assert 0.5 <= policy.delay_s(failures) <= policy.delay_s(failures + 1) <= 5


def test_a_good_run_is_forgiven() -> None:
    policy = RestartPolicy(stable_after_s=20)
    assert policy.failures_after(7, ran_s=19) == 8
    assert policy.failures_after(7, ran_s=20) == 1


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
