"""The end of an mpv that was asked to quit, within one limit of time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from tidzam.jack.client_grace import CLIENT_GRACE_S
from tidzam.process import Child, is_suspended

TERM_GRACE_S: Final = 1.0
"""mpv does not close its JACK client at SIGTERM, so that nothing is gained by waiting for long."""
QUIT_S: Final = CLIENT_GRACE_S - TERM_GRACE_S
"""How long mpv may take to quit, which may include the opening of its client."""


async def until_quit(mpv: Child, *, patience_s: float = QUIT_S) -> None:
    """Return once an mpv that was asked to quit has ended, or after `patience_s`.

    One that a signal has suspended cannot end, and is killed at once.
    """
    if is_suspended(mpv.pid):
        mpv.kill()
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            await mpv.wait()
