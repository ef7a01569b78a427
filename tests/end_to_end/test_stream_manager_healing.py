"""Streams with every fault that a server can have, played at once by one stream manager: each heals by itself."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.support.clients import connected
from tests.support.eventually import eventually
from tests.support.faulty_server import SLOW_PIECE_S, Fault, FaultyServer, FaultyStream, faulty_server
from tests.support.manager import Manager, stream_manager
from tests.support.sound import write_tones

pytestmark = pytest.mark.timeout(120)
SIGNAL = {"interval_s": 0.5, "after_s": 2}
HEALING = {
    "connect_timeout_s": 4,
    "no_data_timeout_s": 6,
    "unhealthy_timeout_s": 8,
    "first_delay_s": 0.2,
    "max_delay_s": 2,
    "stable_after_s": 60,
    "permanent_fault_delay_s": 2,
}
CODES = {
    "mute": "source_unreachable",
    "html": "source_not_audio",
    "redirects": "source_redirected",
    "missing": "source_http_not_found",
    "denied": "source_access_denied",
}
"""The reasons of streams that have their fault from the beginning."""
LATER: dict[str, Fault] = {"slow": "slow", "hangs": "hangs", "garbage": "garbage", "widens": "ends"}
"""The faults that begin when all the others play."""
FAULTY = (*CODES, *LATER, "turns", "stuck", "mislabeled")


@pytest.fixture(scope="module")
def gone() -> Iterator[FaultyServer]:
    """A server that a test stops."""
    with faulty_server(gone=FaultyStream()) as server:
        yield server


def mp3(channels: int) -> bytes:
    """The quarter of a second that a stream repeats."""
    tone = ["-f", "lavfi", "-i", "sine=duration=0.25", "-ac", str(channels)]
    argv = ["ffmpeg", "-v", "error", *tone, "-b:a", "128k", "-f", "mp3", "-"]
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=20).stdout


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    streams = {name: FaultyStream() for name in FAULTY}
    for name in (*CODES, "stuck", "mislabeled"):
        streams[name].fault = name  # type: ignore[assignment]
    streams["garbage"].mp3 = streams["turns"].mp3 = mp3(1)
    with faulty_server(**streams) as running:
        yield running


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory, server: FaultyServer, gone: FaultyServer) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("healing")
    well = {"name": "well", "url": str(write_tones(folder / "well.flac", 1, seconds=2)), "loop": True}
    sources: list[dict[str, Any]] = [well, {"name": "gone", "url": gone.url("gone")}]
    sources += [{"name": name, "url": server.url(name)} for name in FAULTY]
    for source in sources:
        source["outputs"] = ["icecast"] if source["name"] == "widens" else []
    with stream_manager(folder, sources, period=2048, healing=HEALING, signal=SIGNAL, silent_after_s=2) as running:
        expected = ("well", "gone", *LATER, "turns", "stuck", "mislabeled")
        running.until(lambda: all(plays(running, name) for name in expected), within_s=40)
        for name, fault in LATER.items():
            server.streams[name].fault = fault
        server.streams["widens"].channels, server.streams["widens"].rate_hz = 3, 48000
        server.streams["turns"].mp3 = mp3(2)
        yield running


def plays(manager: Manager, name: str) -> bool:
    return manager.source(name).get("state") == "playing"


def restarts(manager: Manager, name: str) -> int:
    return int(manager.source(name)["restarts"])


def signal(manager: Manager, name: str) -> str:
    """The state of its first channel's signal."""
    return next((one["state"] for one in manager.source(name)["signals"]), "unknown")


def heals(manager: Manager, name: str) -> None:
    manager.until(lambda: plays(manager, name), within_s=20)


@pytest.fixture(scope="module")
def codes(manager: Manager, server: FaultyServer) -> dict[str, str]:
    """The reasons of the streams that cannot be played; their faults end then."""
    manager.until(lambda: all(manager.source(name)["code"] for name in CODES), within_s=20)
    found = {name: manager.source(name)["code"] for name in CODES}
    for name in CODES:
        server.streams[name].fault = ""
    return found


@pytest.mark.parametrize("name", CODES)
def test_a_stream_that_cannot_be_played_has_a_reason(codes: dict[str, str], name: str) -> None:
    assert codes[name] == CODES[name]


@pytest.mark.parametrize("name", CODES)
def test_a_stream_plays_once_its_server_is_repaired(manager: Manager, codes: dict[str, str], name: str) -> None:
    heals(manager, name)


def test_audio_with_the_content_type_of_a_web_page_is_played(manager: Manager) -> None:
    status = manager.source("mislabeled")
    assert (status["state"], status["restarts"]) == ("playing", 0)


def test_a_server_that_holds_the_connection_and_sends_nothing_is_left_and_asked_again(
    manager: Manager, server: FaultyServer
) -> None:
    manager.until(lambda: manager.source("hangs")["code"] == "source_no_data", within_s=20)
    server.streams["hangs"].fault = ""
    heals(manager, "hangs")


def test_a_server_that_is_gone_is_asked_until_it_is_back(manager: Manager, gone: FaultyServer) -> None:
    before = restarts(manager, "gone")
    gone.stop()
    manager.until(lambda: restarts(manager, "gone") >= before + 2, within_s=20)
    assert manager.source("gone")["code"] == "source_unreachable"
    gone.start()
    heals(manager, "gone")


def test_the_time_without_a_server_is_in_the_status_and_the_metrics(manager: Manager) -> None:
    assert manager.source("gone")["gap_s_by_reason"]["source_down"] > 0
    with urllib.request.urlopen(f"{manager.url}/metrics", timeout=5) as answer:
        metrics = answer.read().decode()
    assert re.search(r'tidzam_source_gap_seconds_total\{reason="source_down",source="gone"\} [1-9]', metrics)


def test_garbage_in_a_stream_ends_and_the_stream_plays_on(manager: Manager, server: FaultyServer) -> None:
    manager.until(lambda: restarts(manager, "garbage") > 0, within_s=20)
    server.streams["garbage"].fault = ""
    heals(manager, "garbage")


def test_a_stream_that_comes_back_with_more_channels_and_another_rate_gets_their_ports_and_mounts(
    manager: Manager, server: FaultyServer
) -> None:
    manager.until(lambda: restarts(manager, "widens") > 0, within_s=20)
    server.streams["widens"].fault = ""
    manager.until(lambda: manager.source("widens")["ok"], within_s=20)
    status = manager.source("widens")
    assert (status["rate_hz"], status["ports"]) == (48000, [f"widens:out_{channel}" for channel in range(3)])
    assert [mount.rpartition("/")[2] for mount in status["mounts"]] == [f"widens-out_{n}.ogg" for n in range(3)]


def test_a_stream_that_turns_from_mono_to_stereo_gets_another_port(manager: Manager) -> None:
    manager.until(lambda: manager.source("turns")["ports"] == ["turns:out_0", "turns:out_1"], within_s=20)
    assert manager.source("turns")["code"] == "source_format_changed"


def test_a_stream_that_repeats_itself_for_too_long_is_loaded_again(manager: Manager, server: FaultyServer) -> None:
    manager.until(lambda: manager.source("stuck")["code"] == "source_stuck", within_s=20)
    server.streams["stuck"].fault = ""
    manager.until(lambda: signal(manager, "stuck") not in ("unknown", "stuck"), within_s=20)


async def test_the_transitions_of_a_source_are_listed_with_their_reasons(
    manager: Manager, server: FaultyServer
) -> None:
    async with connected(manager) as client:
        answer = await client.ask(transitions={"name": "hangs"})
    taken = answer["sys"]["transitions"]["transitions"]
    assert [taken[0][key] for key in ("before", "event", "after")] == ["loading", "started", "playing"]
    assert all(one["after"] == following["before"] for one, following in pairwise(taken))


def test_a_slow_server_is_not_given_up(manager: Manager, server: FaultyServer) -> None:
    slow = server.streams["slow"]
    eventually(lambda: slow.slow_pieces * SLOW_PIECE_S > 2 * HEALING["no_data_timeout_s"], within_s=20)
    assert (restarts(manager, "slow"), slow.listeners) == (0, 2)  # ffprobe and the player


def test_all_of_this_cost_a_healthy_source_nothing(manager: Manager) -> None:
    status = manager.source("well")
    assert (status["restarts"], status["gaps"], status["state"]) == (0, 0, "playing")
