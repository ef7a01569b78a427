"""The feeder process on a real JACK server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.eventually import eventually, eventually_async
from tests.support.jack import JackServer, jack_server, open_ports
from tests.support.recorder import recorder
from tidzam.errors import JackError
from tidzam.jack.feeder_client import Feeder, feeder
from tidzam.jack.feeder_protocol import EXIT_SERVER_GONE, Pacing
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server(port_max=128) as server:
        yield server


def ramp(frames: int, channels: int, *, begin: int = 1) -> Float32:
    """Whole numbers, shape (frames, channels), that differ by a million from channel to channel."""
    return (np.arange(begin, begin + frames)[:, np.newaxis] + 1e6 * np.arange(channels)).astype(np.float32)


async def write(feeding: Feeder, samples: Float32) -> None:
    await asyncio.to_thread(write_all, feeding.input_fd, samples.tobytes())


def write_all(fd: int, content: bytes) -> None:
    while content:
        content = content[os.write(fd, content) :]


async def test_every_sample_is_played_once_in_order_and_the_process_ends_with_the_input(
    jack: JackServer, tmp_path: Path
) -> None:
    async with feeder("pond", 3, pacing=Pacing.PULL, env=jack.env) as feeding:
        await feeding.started()
        with recorder(jack, [f"pond:out_{channel}" for channel in range(3)], tmp_path) as recording:
            await write(feeding, ramp(70_000, 3))
            feeding.close_input()
            assert await feeding.wait() == 0
        assert (feeding.status.played_frames, feeding.status.underruns) == (70_000, 0)
    heard = recording.samples[recording.samples[:, 0] != 0]
    assert recording.seams or np.array_equal(heard, ramp(70_000, 3))


async def test_several_writers_one_after_the_other_are_joined_sample_by_sample(
    jack: JackServer, tmp_path: Path
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.f32").write_bytes(ramp(10_001, 1, begin=1 + 10_001 * number).tobytes())
    async with feeder("lake", 1, pacing=Pacing.PULL, env=jack.env) as feeding:
        await feeding.started()
        with recorder(jack, ["lake:out_0"], tmp_path) as recording:
            for number in range(3):
                cat = await asyncio.create_subprocess_exec(
                    "cat", str(tmp_path / f"{number}.f32"), stdout=feeding.input_fd
                )
                assert await cat.wait() == 0
            feeding.close_input()
            await feeding.wait()
    heard = recording.samples[recording.samples[:, 0] != 0]
    assert recording.seams or np.array_equal(heard, ramp(30_003, 1))


async def test_a_live_writer_that_pauses_causes_one_underrun(jack: JackServer) -> None:
    async with feeder("wood", 1, pacing=Pacing.PUSH, delay_s=0.2, env=jack.env) as feeding:
        await write(feeding, ramp(15_000, 1))
        await eventually_async(lambda: feeding.status.starving)
        await write(feeding, ramp(15_000, 1))
        feeding.close_input()
        assert await feeding.wait() == 0
        status = feeding.status
    assert (status.underruns, status.played_frames) == (1, 30_000)
    assert status.underrun_frames > 0
    assert status.first_frame is not None


async def test_the_ports_can_wait_for_audio(jack: JackServer) -> None:
    async with feeder("reed", 1, pacing=Pacing.PUSH, ports_with_audio=True, env=jack.env) as feeding:
        await feeding.started()
        assert not open_ports(jack, "reed")
        await write(feeding, ramp(1000, 1))
        await eventually_async(lambda: open_ports(jack, "reed"), within_s=10)


async def test_leaving_the_context_leaves_no_port(jack: JackServer) -> None:
    async with feeder("bog", 2, pacing=Pacing.PULL, env=jack.env) as feeding:
        await feeding.started()
        assert open_ports(jack, "bog")
    assert not open_ports(jack, "bog")


async def test_a_killed_feeder_leaves_no_port(jack: JackServer) -> None:
    async with feeder("fen", 2, pacing=Pacing.PULL, env=jack.env) as feeding:
        await feeding.started()
        feeding.kill()
        assert await feeding.wait() < 0
    eventually(lambda: not open_ports(jack, "fen"), within_s=10)


async def test_a_name_that_is_taken_is_refused(jack: JackServer) -> None:
    async with feeder("moss", 1, pacing=Pacing.PULL, env=jack.env) as feeding:
        await feeding.started()
        async with feeder("moss", 1, pacing=Pacing.PULL, env=jack.env) as second:
            with pytest.raises(JackError, match="the name is taken"):
                await second.started()


async def test_too_many_ports_are_refused_and_none_remains(jack: JackServer) -> None:
    async with feeder("delta", 200, pacing=Pacing.PULL, env=jack.env) as feeding:
        with pytest.raises(JackError, match="unable to register port"):
            await feeding.started()
    assert not open_ports(jack, "delta")


async def test_it_ends_at_once_when_the_server_is_killed() -> None:
    with jack_server() as server:
        async with feeder("pond", 1, pacing=Pacing.PULL, env=server.env) as feeding:
            await feeding.started()
            server.kill()
            async with asyncio.timeout(10):
                assert await feeding.wait() == EXIT_SERVER_GONE
