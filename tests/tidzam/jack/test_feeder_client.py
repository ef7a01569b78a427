"""What a program learns from a feeder process, whatever the process writes."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from tidzam.jack.feeder_client import Feeder, OnStatus, feeder_process
from tidzam.jack.feeder_protocol import MESSAGES, FeederStatus

REPORT = MESSAGES.encode(FeederStatus(jack_rate_hz=44100))
LAST = MESSAGES.encode(FeederStatus(jack_rate_hz=44100, played_frames=7))


def writing(lines: Sequence[str], on_status: OnStatus = None, *, then: str = "") -> AbstractAsyncContextManager[Feeder]:
    """A process that writes `lines` as its reports, and executes `then`."""
    script = f"print({chr(10).join(lines)!r}, flush=True)\n{then}"
    return feeder_process([sys.executable, "-c", script], "pond", env={}, on_status=on_status)


async def test_the_status_of_a_feeder_that_has_ended_is_its_last_report() -> None:
    async with asyncio.timeout(10), writing([REPORT, LAST]) as feeding:
        assert await feeding.wait() == 0
        assert feeding.status.played_frames == 7


MALFORMED = ["no JSON", "[]", '{"event":"other"}', '{"event":"feederstatus","volume":11}', REPORT * 2, "x" * 100_000]


@pytest.mark.parametrize("line", MALFORMED, ids=lambda line: line[:20])
async def test_a_feeder_that_sends_a_malformed_report_is_ended(line: str, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.timeout(10), writing([REPORT, line], then="import time; time.sleep(60)") as feeding:
        assert await feeding.wait() == -signal.SIGKILL
        assert feeding.status.jack_rate_hz == 44100
    assert "malformed report" in caplog.text


async def test_an_error_in_the_callback_for_reports_ends_the_feeder_and_is_raised() -> None:
    def fail(status: FeederStatus) -> None:
        raise ZeroDivisionError

    async with asyncio.timeout(10), writing([REPORT], fail, then="import time; time.sleep(60)") as feeding:
        with pytest.raises(ZeroDivisionError):
            await feeding.wait()
