"""Live streams of clients through a real stream manager into JACK: every sample, however late it was sent."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from tests.support.live import LiveClient, bursts, live_client, ramp, tone_pcm
from tests.support.manager import Manager, command_line, stream_manager
from tests.support.recorder import Recording, record, recorder
from tests.support.sound import BASE_HZ, STEP_HZ, loudest_hz

pytestmark = pytest.mark.timeout(60)

SOURCE = "tidzam-livestreams"
RATE_HZ = 44100
PORTS = 10


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("live")
    options: dict[str, Any] = {
        "live_ports": PORTS,
        "live_streams": {"recordings": str(folder / "kept")},
    }
    with stream_manager(folder, [], **options) as running:
        running.until_well()
        yield running


def streams(manager: Manager) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = manager.source(SOURCE).get("live_streams", [])
    return found


def live_process(manager: Manager) -> psutil.Process:
    return next(child for child in manager.children() if "tidzam.jack.live_ports" in command_line(child))


async def until(manager: Manager, holds: Callable[[], bool], *, within_s: float) -> None:
    """Wait until `holds`, while clients send."""
    await asyncio.to_thread(manager.until, holds, within_s=within_s)


async def gone(manager: Manager, *, within_s: float = 5.0) -> None:
    await until(manager, lambda: not manager.source(SOURCE), within_s=within_s)


def breaks(recording: Recording) -> tuple[list[int], list[int]]:
    """The samples of a recorded ramp from its first to its last, and where one does not follow the one before.

    Where the recording itself lost frames, it does not count.
    """
    samples = recording.samples[:, 0]
    sound = np.flatnonzero(samples)
    assert len(sound), "nothing was heard"
    values = np.round(samples[sound[0] : sound[-1] + 1].astype(np.float64) * 32768).astype(int)
    jumps = np.flatnonzero((np.diff(values) - 1) % 65535) + 1
    return values.tolist(), [int(jump) for jump in jumps if int(jump + sound[0]) not in recording.seams]


async def test_a_ramp_through_a_jittering_client_comes_out_of_jack_intact(manager: Manager, tmp_path: Path) -> None:
    pcm = ramp(4 * RATE_HZ)
    async with live_client(manager) as client:
        port = await client.begin()
        assert port == f"{SOURCE}:out_0"
        with recorder(manager.jack, [port], tmp_path) as recording:
            await client.stream(pcm, rate_hz=RATE_HZ, lateness=bursts(3))
            (stream,) = streams(manager)
            await client.ask(del_livestream="")
            await gone(manager)
    values, wrong = breaks(recording)
    assert wrong == []
    assert (values[0], values[-1]) == (-32767, int(np.frombuffer(pcm, "<i2")[-1]))
    assert len(values) == len(pcm) // 2 or recording.seams
    assert stream["dropped_s"] == 0


async def test_the_first_packet_begins_the_stream_and_none_of_it_is_lost(manager: Manager, tmp_path: Path) -> None:
    async with live_client(manager) as client:
        with_bytes_alone = tone_pcm(600, rate_hz=RATE_HZ, seconds=3)
        for start in range(0, len(with_bytes_alone), 8820):
            await client.io.emit("audio", with_bytes_alone[start : start + 8820])
        await until(manager, lambda: manager.source(SOURCE).get("state") == "playing", within_s=10)
        recording = await asyncio.to_thread(record, manager.jack, [f"{SOURCE}:out_0"], tmp_path, seconds=0.5)
        assert loudest_hz(recording.samples[:, 0], RATE_HZ) == 600
        await until(manager, lambda: streams(manager)[0]["buffered_s"] == 0, within_s=10)
        (stream,) = streams(manager)
        assert (stream["received_s"], stream["dropped_s"]) == (3.0, 0.0)
    await gone(manager)


async def test_ten_clients_at_any_rate_have_a_port_each(manager: Manager, tmp_path: Path) -> None:
    rates = [8000, 16000, 22050, 32000, 44100, 44100, 48000, 88200, 96000, 192000]
    tones = [BASE_HZ + STEP_HZ * number for number in range(PORTS)]
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        clients = [await stack.enter_async_context(live_client(manager)) for _ in range(PORTS)]
        ports = [await client.begin() for client in clients]
        assert ports == [f"{SOURCE}:out_{number}" for number in range(PORTS)]
        for client, rate_hz, frequency_hz in zip(clients, rates, tones, strict=True):
            pcm = tone_pcm(frequency_hz, rate_hz=rate_hz, seconds=4)
            tasks.create_task(client.stream(pcm, rate_hz=rate_hz, packet_s=0.1))
        await asyncio.sleep(1.5)
        recording = await asyncio.to_thread(record, manager.jack, ports, tmp_path, seconds=0.6)
        assert [loudest_hz(samples, RATE_HZ) for samples in recording.samples.T] == tones
        assert [stream["rate_hz"] for stream in streams(manager)] == rates
        async with live_client(manager) as other:
            answer = await other.ask(add_livestream="")
            assert answer["error"]["code"] == "live_ports_in_use"
            assert str(PORTS) in answer["error"]["message"]
            refused = await other.io.call("audio", b"\0\0", timeout=10)
            assert refused["error"]["code"] == "live_ports_in_use"
    await gone(manager)


async def test_the_port_is_free_soon_after_its_client_has_left(manager: Manager) -> None:
    async with live_client(manager) as client:
        await client.begin()
        await client.stream(ramp(RATE_HZ // 2), rate_hz=RATE_HZ)
    await gone(manager)
    async with live_client(manager) as client:
        assert await client.begin() == f"{SOURCE}:out_0"
        assert (await client.ask(del_livestream=""))["ok"]
        await gone(manager)


async def send_fast(client: LiveClient) -> None:
    """Send eight times as much audio as can be played."""
    packet = ramp(RATE_HZ // 10)
    while True:
        await client.io.emit("audio", {"buffer": packet, "samplerate": RATE_HZ})
        await asyncio.sleep(0.0125)


async def test_a_flood_costs_only_the_client_that_sends_it(manager: Manager, tmp_path: Path) -> None:
    async with live_client(manager) as flooding, live_client(manager) as client, asyncio.TaskGroup() as tasks:
        await flooding.begin()
        port = await client.begin()
        with recorder(manager.jack, [port], tmp_path) as recording:
            flood = tasks.create_task(send_fast(flooding))
            await client.stream(ramp(2 * RATE_HZ), rate_hz=RATE_HZ)
            flooder = streams(manager)[0]
            await asyncio.sleep(0.9)
            flood.cancel()
        own = streams(manager)[1]
    assert breaks(recording)[1] == []
    assert own["dropped_s"] == 0
    assert flooder["dropped_s"] > 1
    await gone(manager, within_s=10)


async def test_a_stream_is_kept_as_it_was_sent_if_its_client_asks_for_it(manager: Manager, tmp_path: Path) -> None:
    folder = manager.media_root.parent / "kept"
    pcm = ramp(16000)
    async with live_client(manager) as client:
        await client.stream(pcm, rate_hz=16000, storage=True)
        await until(manager, lambda: bool(streams(manager)[0]["recording"]), within_s=5)
        name = streams(manager)[0]["recording"]
        assert not (folder / name).exists()
    await until(manager, lambda: (folder / name).exists(), within_s=5)
    samples, rate_hz = soundfile.read(folder / name, dtype="int16")
    assert (samples.tobytes(), rate_hz) == (pcm, 16000)
    assert name.startswith(f"{SOURCE}-out_0-2")
    await gone(manager)


async def test_a_stream_has_a_mount(manager: Manager) -> None:
    async with live_client(manager) as client, asyncio.TaskGroup() as tasks:
        answer = await client.ask(add_livestream="")
        (mount,) = answer["sys"]["mounts"]
        assert mount.endswith(f"/{SOURCE}-out_0.ogg")
        tasks.create_task(client.stream(tone_pcm(800, rate_hz=RATE_HZ, seconds=8), rate_hz=RATE_HZ))
        argv = ["ffmpeg", "-v", "error", "-i", mount, "-t", "1.5", "-f", "f32le", "-ar", str(RATE_HZ), "-ac", "1", "-"]
        decoded = await asyncio.to_thread(decode, manager, argv)
        assert loudest_hz(decoded[-RATE_HZ // 2 :], RATE_HZ) == 800
    await gone(manager)


def decode(manager: Manager, argv: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The audio of a mount, as soon as there is one."""
    outputs: list[bytes] = []

    def is_decoded() -> bool:
        outputs.append(subprocess.run(argv, capture_output=True, timeout=20, check=False).stdout)
        return len(outputs[-1]) > 4 * RATE_HZ

    manager.until(is_decoded, within_s=20)
    return np.frombuffer(outputs[-1], np.float32)


async def test_a_client_that_falls_silent_is_closed(tmp_path: Path) -> None:
    with stream_manager(tmp_path, [], live_streams={"idle_timeout_s": 1}) as manager:
        manager.until_well()
        async with live_client(manager) as client:
            await client.begin()
            await gone(manager, within_s=10)
            assert await client.begin() == f"{SOURCE}:out_0"


def kill_jackd(manager: Manager) -> None:
    manager.jack.kill()
    manager.jack.start()


FAULTS: dict[str, Callable[[Manager], None]] = {
    "killed": lambda manager: live_process(manager).kill(),
    "stopped": lambda manager: live_process(manager).suspend(),
    "jackd killed": kill_jackd,
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_streams_go_on_when_their_process_is_replaced(manager: Manager, fault: str, tmp_path: Path) -> None:
    async with live_client(manager) as client, asyncio.TaskGroup() as tasks:
        port = await client.begin()
        sending = tasks.create_task(client.stream(tone_pcm(600, rate_hz=RATE_HZ, seconds=30), rate_hz=RATE_HZ))
        old = live_process(manager)
        FAULTS[fault](manager)  # jackd ends with the thread that starts it
        await until(manager, lambda: is_played_by_another(manager, old), within_s=15)
        recording = await asyncio.to_thread(record, manager.jack, [port], tmp_path, seconds=0.5)
        assert loudest_hz(recording.samples[:, 0], RATE_HZ) == 600
        assert streams(manager)[0]["gaps"] >= 1
        sending.cancel()
    await gone(manager)


def is_played_by_another(manager: Manager, old: psutil.Process) -> bool:
    others = [child for child in manager.children() if "tidzam.jack.live_ports" in command_line(child)]
    return bool(others) and others[0].pid != old.pid and streams(manager)[0]["plays"]


async def test_bad_audio_is_refused_and_the_stream_goes_on(manager: Manager) -> None:
    async with live_client(manager) as client:
        await client.begin()
        answer = await client.io.call("audio", {"buffer": b"\1", "samplerate": 5}, timeout=10)
        assert answer["error"]["code"] == "request"
        assert (await client.io.call("audio", b"\1\2", timeout=10))["ok"]
    await gone(manager)


async def test_nothing_runs_while_there_are_no_streams(manager: Manager) -> None:
    async with live_client(manager) as client:
        await client.begin()
        process = live_process(manager)
    await until(manager, lambda: not process.is_running(), within_s=15)
