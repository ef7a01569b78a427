"""A real mpv reports its position, and one that was stopped or killed does not."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stream_manager.players.mpv_ipc import MpvIpc, mpv_ipc
from tidzam.process import Child, child_process

pytestmark = pytest.mark.timeout(30)


@asynccontextmanager
async def playing() -> AsyncIterator[tuple[MpvIpc, Child]]:
    """An mpv that plays a tone to nobody, once it has begun."""
    async with mpv_ipc() as channel:
        argv = ["mpv", "--no-config", "--no-video", "--ao=null", "--really-quiet", channel.option]
        async with child_process([*argv, "av://lavfi:sine"], name="mpv", pass_fds=[channel.fd], grace_s=1) as mpv:
            await channel.started()
            while await position_or_none(channel) is None:  # noqa: ASYNC110  another process is waited for
                await asyncio.sleep(0.05)
            yield channel, mpv


async def position_or_none(channel: MpvIpc) -> float | None:
    """The position, or None if mpv does not answer yet: on a busy machine it takes some seconds to start."""
    try:
        return await channel.position_s()
    except TimeoutError:
        return None


async def test_the_position_of_a_playing_mpv_changes() -> None:
    async with playing() as (channel, _):
        first = await channel.position_s()
        while await channel.position_s() == first:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_stopped_mpv_answers_again_once_it_continues() -> None:
    async with playing() as (channel, mpv):
        os.killpg(mpv.pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            while True:  # its threads stop one after the other
                await channel.position_s()
        os.killpg(mpv.pid, signal.SIGCONT)
        while await position_or_none(channel) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_killed_mpv_is_noticed_at_once() -> None:
    async with playing() as (channel, mpv):
        mpv.kill()
        await mpv.wait()
        with pytest.raises(OSError):
            await channel.position_s()


async def test_an_mpv_whose_connection_is_closed_ends_by_itself() -> None:
    async with playing() as (channel, mpv):
        channel.close()
        assert await mpv.wait() == 0
