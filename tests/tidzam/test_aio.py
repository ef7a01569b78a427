"""Waiting and cancellation."""

from __future__ import annotations

import asyncio

import pytest

from tidzam.aio import in_background, require_running


async def test_a_cancellation_while_a_group_of_tasks_fails_ends_the_task() -> None:
    ending, may_end = asyncio.Event(), asyncio.Event()

    async def fails() -> None:
        raise ValueError

    async def ends_slowly() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ending.set()
            await may_end.wait()

    async def works() -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(ends_slowly())
                tasks.create_task(fails())
        except* ValueError:
            pass
        require_running()

    task = asyncio.create_task(works())
    await ending.wait()
    task.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_work_in_the_background_ends_with_its_context() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with in_background(work(), name="work"):
        await asyncio.sleep(0)
        assert not ended.is_set()
    assert ended.is_set()
