"""The capture process on a real jackd, with samples that tell which frame they belong to."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
import psutil
import pytest

from analyzer.capture.child import Capture, CaptureOptions, capture_process, early_capture
from analyzer.capture.events import CaptureFailed, Closed, Event, Opened, Ready, Refused
from tests.support.eventually import eventually_async
from tests.support.frame_codes import CODE_RANGE, FRAME_CODE, frame_code
from tests.support.jack import JackServer, jack_server
from tests.support.player import playing
from tidzam.jack.ring import RingGap, RingReader

_E = TypeVar("_E", bound=Event)
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with jack_server(rate_hz=48000, period=512) as running:
        yield running


class Heard:
    """A capture process and its events so far."""

    def __init__(self, capture: Capture) -> None:
        self.capture = capture
        self.events: list[Event] = []
        self._more = asyncio.Condition()

    async def follow(self) -> None:
        async for event in self.capture.events():
            async with self._more:
                self.events.append(event)
                self._more.notify_all()

    async def until(self, kind: type[_E], count: int = 1) -> list[_E]:
        """All events of a kind, once there are `count` of them."""

        def found() -> list[_E]:
            return [event for event in self.events if isinstance(event, kind)]

        async with asyncio.timeout(15), self._more:
            await self._more.wait_for(lambda: len(found()) >= count)
        return found()

    def channels(self) -> set[str]:
        """Those that were opened or refused."""
        return {event.channel for event in self.events if isinstance(event, Opened | Refused)}


@asynccontextmanager
async def capturing(server: JackServer, *patterns: str, slots: int = 8, ring_s: float = 10.0) -> AsyncIterator[Heard]:
    options = CaptureOptions(patterns=patterns, server=server.name, slots=slots, ring_s=ring_s)
    async with capture_process(options) as capture:
        heard = Heard(capture)
        following = asyncio.create_task(heard.follow())
        yield heard
        following.cancel()


async def written(reader: RingReader, lane: int, until: int) -> list[RingGap]:
    """A lane's new gaps, once it is written until a frame."""
    await eventually_async(lambda: reader.ring.written_until(lane) >= until)
    return reader.new_gaps(lane)


def wrong_frames(reader: RingReader, channel: Opened, start: int, frames: int) -> int:
    """How many samples of a window are neither those of the frame nor reported as lost."""
    window, _ = reader.read([(channel.slot, channel.lane)], start, frames)
    wrong = window[0] != frame_code(start, frames)
    for gap in reader.gaps[channel.lane]:
        wrong[gap.overlap(start, frames)] = False
    return int(wrong.sum())


def frames_told_in_vain(reader: RingReader, channel: Opened) -> int:
    """The number of frames that are reported as lost but present."""
    ring = reader.ring
    gaps = [gap for gap in reader.gaps[channel.lane] if gap.start >= channel.first_frame]
    lost = np.concatenate([np.arange(gap.start, gap.start + gap.frames) for gap in gaps])
    return int((ring.samples[channel.slot, lost % ring.capacity_frames] == lost % CODE_RANGE).sum())


async def test_every_sample_is_at_its_own_frame(server: JackServer) -> None:
    with playing(server, "s", *[FRAME_CODE] * 2):
        async with capturing(server, "s:") as heard:
            opened = await heard.until(Opened, 2)
            reader = RingReader(heard.capture.ring())
            start = max(event.first_frame for event in opened)
            await written(reader, opened[0].lane, start + 48000)
            assert [(event.channel, event.slot) for event in opened] == [("s:out_0", 0), ("s:out_1", 1)]
            assert [wrong_frames(reader, channel, start, 48000) for channel in opened] == [0, 0]
            assert isinstance(heard.events[0], Ready)


async def test_forced_loss_is_counted_to_the_frame(server: JackServer) -> None:
    with playing(server, "s", FRAME_CODE) as player:
        async with capturing(server, "s:") as heard:
            (opened,) = await heard.until(Opened)
            reader = RingReader(heard.capture.ring())
            start = opened.first_frame
            await written(reader, opened.lane, start)
            for stop_s in (0.05, 0.4, 1.0):
                os.kill(heard.capture.pid, signal.SIGSTOP)
                first = player.frame()
                await asyncio.sleep(stop_s)
                last = player.frame()
                os.kill(heard.capture.pid, signal.SIGCONT)
                lost = sum(gap.frames for gap in await written(reader, opened.lane, last + 9600))
                # The cycles at both ends may have been caught; a busy machine may lose more, and tells it.
                assert lost >= last - first - 2 * 512
            frames = reader.ring.written_until(opened.lane) - start
            assert frames < CODE_RANGE
            assert wrong_frames(reader, opened, start, frames) == 0
            # A cycle that JACK went on in while it was copied counts as lost, right as it may be: one a stop.
            assert frames_told_in_vain(reader, opened) <= 3 * 512


async def test_a_channel_comes_and_goes_without_a_gap_on_the_others(server: JackServer) -> None:
    with playing(server, "stays", FRAME_CODE):
        async with capturing(server, "*:out_*") as heard:
            (stays,) = await heard.until(Opened)
            with playing(server, "comes", FRAME_CODE):
                comes = (await heard.until(Opened, 2))[1]
            (gone,) = await heard.until(Closed)
            with playing(server, "comes", FRAME_CODE):
                again = (await heard.until(Opened, 3))[2]
                reader = RingReader(heard.capture.ring())
                await written(reader, again.lane, again.first_frame + 9600)
                assert wrong_frames(reader, again, again.first_frame, 9600) == 0
            assert (comes.channel, gone.channel, again.slot) == ("comes:out_0", "comes:out_0", comes.slot)
            start = stays.first_frame
            reader.new_gaps(stays.lane)
            assert wrong_frames(reader, stays, start, reader.ring.written_until(stays.lane) - start) == 0


async def test_the_memory_of_a_channel_that_is_gone_is_given_back(server: JackServer) -> None:
    async with capturing(server, "*:out_*", ring_s=0.5) as heard:
        with playing(server, "comes", FRAME_CODE):
            (comes,) = await heard.until(Opened)
            slot = heard.capture.ring().samples[comes.slot]
            await eventually_async(lambda: bool(slot.all()))
        await eventually_async(lambda: not slot.any())


async def test_an_early_process_has_its_events_ready_and_ends_with_its_taker(
    server: JackServer,
) -> None:
    with playing(server, "s", FRAME_CODE):
        async with early_capture(CaptureOptions(patterns=("s:",), server=server.name)) as early:
            await asyncio.sleep(1.0)
            async with early as capture:
                opened = await anext(event async for event in capture.events() if isinstance(event, Opened))
                pid = capture.pid
            assert opened.channel == "s:out_0"
            assert not psutil.pid_exists(pid)


async def test_a_refused_port_is_reported_and_the_others_are_captured() -> None:
    with (
        jack_server(rate_hz=48000, period=512, port_max=16) as server,
        playing(server, "s", *[FRAME_CODE] * 9),
    ):
        async with capturing(server, "s:", slots=16) as heard:
            refused = (await heard.until(Refused))[0]
            await heard.until(Opened)
            assert "port_max" in refused.reason
            await eventually_async(lambda: len(heard.channels()) >= 9, within_s=15)


async def test_ports_beyond_the_slots_are_reported(server: JackServer) -> None:
    with playing(server, "s", *[FRAME_CODE] * 3):
        async with capturing(server, "s:", slots=2) as heard:
            (refused,) = await heard.until(Refused)
            assert refused.channel == "s:out_2"
            assert "max_channels" in refused.reason


async def test_it_exits_with_the_reason_when_jack_shuts_down() -> None:
    with jack_server(rate_hz=48000, period=512) as server:
        async with capturing(server, "s:") as heard:
            await heard.until(Ready)
            server.kill()
            (failed,) = await heard.until(CaptureFailed)
            assert "JACK server has shut down" in failed.message


async def test_a_missing_jack_server_is_reported_with_a_remedy() -> None:
    async with capture_process(CaptureOptions(patterns=("s:",), server="nobody-runs-this")) as capture:
        (failed,) = [event async for event in capture.events()]
        assert isinstance(failed, CaptureFailed)
        assert "jackd" in failed.hint


async def test_it_ends_when_its_standard_input_closes(server: JackServer) -> None:
    fd = os.memfd_create("ring")
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "analyzer.capture", f"--fd={fd}", "s:"],
        env={**os.environ, **server.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(fd,),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 3) == 0
    os.close(fd)
