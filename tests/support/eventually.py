"""Waiting for what another task, thread or process brings about: with a deadline, and no longer than it takes."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable

WITHIN_S = 20.0
_POLL_S, _LATER_POLL_S = 0.02, 0.06
"""The time between two questions in the first second, and then: many of them keep the server that is asked busy."""

What = str | Callable[[], str]
"""What is waited for, as text for the error; a function of it is called when the error is raised."""


def eventually(condition: Callable[[], object], *, within_s: float = WITHIN_S, what: What = "a condition") -> float:
    """Wait until `condition` returns something true. Returns the seconds that it took.

    Raises TimeoutError after `within_s` seconds.
    """
    began_s = time.monotonic()
    while not condition():
        _check(began_s, within_s, what)
        time.sleep(_pause_s(began_s))
    return time.monotonic() - began_s


async def eventually_async(
    condition: Callable[[], object], *, within_s: float = WITHIN_S, what: What = "a condition"
) -> float:
    """`eventually` on an event loop, which runs on meanwhile. `condition` may return an awaitable."""
    began_s = time.monotonic()
    while not await _value(condition()):
        _check(began_s, within_s, what)
        await asyncio.sleep(_pause_s(began_s))
    return time.monotonic() - began_s


async def _value(result: object) -> object:
    return await result if inspect.isawaitable(result) else result


def _pause_s(began_s: float) -> float:
    return _POLL_S if time.monotonic() - began_s < 1.0 else _LATER_POLL_S


def _check(began_s: float, within_s: float, what: What) -> None:
    if time.monotonic() - began_s > within_s:
        raise TimeoutError(f"waited {within_s:g} s for {what if isinstance(what, str) else what()}")
