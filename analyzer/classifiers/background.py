"""Blocking work beside the analysis of live sound, which it must not delay."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from analyzer.live.thread_priority import BACKGROUND_NICE, lower_priority

_T = TypeVar("_T")


async def in_background(work: Callable[[], _T], *, name: str, nice: int = BACKGROUND_NICE) -> _T:
    """The result of `work`, run in a thread of its own with low priority. Raises what it raises.

    Threads that `work` starts, such as those of a network, inherit the nice value.

    The end of the program does not wait for it, since work on files from anywhere may hang.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        try:
            lower_priority(nice)
            result = work()
        except Exception as error:  # noqa: BLE001 - whatever it raises is raised where it is awaited
            settle(done.set_exception, error)
        else:
            settle(done.set_result, result)

    def settle(how: Callable[[Any], None], value: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(lambda: None if done.done() else how(value))

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done
