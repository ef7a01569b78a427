"""The JACK server of a performance: one that is running, or one of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from tidzam.config.settings import JackSettings
from tidzam.errors import JackError
from tidzam.jack.environment import jack_env
from tidzam.jack.server_names import SHARED_MEMORY, clear_dead_servers, is_listening
from tidzam.node.jackd import SERVER_ENV, jackd_argv
from tidzam.process import child_process

RATE_HZ: Final = 48000
PERIOD: Final = 256
"""Frames per cycle: 5.3 ms, within which the tone follows the hand."""
_START_S: Final = 10.0
_POLL_S: Final = 0.05
_REMOVAL_S: Final = 0.4
"""jackd hangs if it is terminated while it still removes a client."""


def is_running(server: str) -> bool:
    """Whether a JACK server of that name accepts clients of this user."""
    return is_listening(SHARED_MEMORY / f"jack_{server}_{os.geteuid()}_0")


def running_server() -> str | None:
    """The server that programs use by default, if it is running."""
    name = os.environ.get("JACK_DEFAULT_SERVER", "default")
    return name if is_running(name) else None


def may_run_first() -> bool:
    """Whether this user may give a process real-time priority, so that it need not wait for others."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    os.sched_setscheduler(0, *before)
    return True


@asynccontextmanager
async def jack_server(name: str | None, *, sound_card: str | None) -> AsyncIterator[Mapping[str, str]]:
    """The environment that leads to the server `name`; without a name, to one that runs while the context is open.

    That one uses the ALSA device `sound_card`, such as `hw:0`; without one, nothing is heard. Raises JackError.
    """
    if name is not None:
        if not is_running(name):
            raise JackError(f"No JACK server named {name!r} is running.", hint="Leave out --jack to start one.")
        yield jack_env(name)
        return
    driver = ("dummy",) if sound_card is None else ("alsa", f"-d{sound_card}")
    settings = JackSettings(
        server=f"theremin-{os.getpid()}", rate_hz=RATE_HZ, period=PERIOD, driver=driver, realtime=may_run_first()
    )
    env = jack_env(settings.server)
    async with child_process(jackd_argv(settings), name="jackd", env={**env, **SERVER_ENV}, merge_output=True) as jackd:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + _START_S
        while not is_running(settings.server):
            if jackd.returncode is not None or loop.time() > deadline_s:
                reason = jackd.tail[-1] if jackd.tail else "it does not answer"
                raise JackError(f"jackd did not start: {reason}.", hint="Check --sound-card, or leave it out.")
            await asyncio.sleep(_POLL_S)
        try:
            yield env
        finally:
            await asyncio.sleep(_REMOVAL_S)
    clear_dead_servers(prefix=settings.server)
