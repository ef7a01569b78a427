"""What clients load: guests replace sources for a time, permanent sources survive a restart, both are limited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clients import connected
from tests.support.manager import Manager, stream_manager
from tests.support.sound import write_tones

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("guests")
    sources: list[dict[str, Any]] = [
        {"name": "pond", "url": str(write_tones(folder / "own.flac", 1, seconds=2)), "loop": True},
        {"name": "secret-file", "url": "file:///etc/passwd"},
    ]
    limits: dict[str, Any] = {
        "max_permanent_sources": 2,
        "max_client_sources": 3,
        "state_file": str(folder / "kept.json"),
    }
    with stream_manager(folder, sources, **limits) as running:
        for name in ("guest", "kept"):
            write_tones(running.media_root / f"{name}.flac", 1, seconds=2)
        running.until(lambda: running.source("pond").get("ok", False), within_s=20)
        yield running


def plays(manager: Manager, name: str, file: str) -> bool:
    status = manager.source(name)
    return bool(status) and status["state"] == "playing" and status["url"].endswith(file)


def test_a_refused_profile_source_is_listed_with_the_reason(manager: Manager) -> None:
    status = manager.source("secret-file")
    assert (status["state"], status["ok"]) == ("failed", False)
    assert "http, https, rtsp, icecast" in status["last_error"]
    assert status["code"] == "source_refused"
    faults = manager.health()["detail"]["faults"]
    assert [(fault["origin"], fault["source"]) for fault in faults] == [("source", "secret-file")]


async def test_a_profile_source_is_restored_when_the_client_that_replaced_it_disconnects(manager: Manager) -> None:
    async with connected(manager) as client:
        assert (await client.load("pond", "guest.flac", loop=True))["ok"]
        assert plays(manager, "pond", "guest.flac")
        assert manager.source("pond")["remarks"] == ["replaced"]
    manager.until(lambda: plays(manager, "pond", "own.flac"), within_s=10)
    assert manager.source("pond")["remarks"] == []


@pytest.mark.parametrize("end", ["fails", "ends", "is unloaded"])
async def test_a_profile_source_is_restored_when_its_replacement(manager: Manager, end: str) -> None:
    async with connected(manager) as client:
        if end == "fails":
            assert (await client.load("pond", "nothing.flac"))["error"]["code"] == "source_not_found"
        else:
            assert (await client.load("pond", "guest.flac", loop=end != "ends"))["ok"]
        if end == "is unloaded":
            assert (await client.ask(unloadsource={"name": "pond"}))["ok"]
        manager.until(lambda: plays(manager, "pond", "own.flac"), within_s=15)


async def test_the_status_has_the_rate_of_the_source_and_marks_a_low_one(manager: Manager) -> None:
    write_tones(manager.media_root / "phone.wav", 1, seconds=2, rate_hz=8000)
    async with connected(manager) as client:
        assert (await client.load("phone", "phone.wav", loop=True))["ok"]
        status = manager.source("phone")
        assert [status[key] for key in ("rate_hz", "band_hz", "remarks")] == [8000, 4000, ["low_sample_rate"]]
        own = manager.source("pond")
        assert [own[key] for key in ("rate_hz", "band_hz", "remarks")] == [44100, 22050, []]


async def test_a_profile_source_that_a_client_unloads_is_reported_as_missing(manager: Manager) -> None:
    async with connected(manager) as client:
        assert (await client.ask(unloadsource={"name": "pond"}))["ok"]
        faults = manager.health()["detail"]["faults"]
        assert ("source_missing", "source", "pond") in [(f["code"], f["origin"], f["source"]) for f in faults]
        assert (await client.ask(loadsource={"name": "pond"}))["ok"]
    manager.until(lambda: plays(manager, "pond", "own.flac"), within_s=10)


async def test_sources_of_clients_are_limited_by_settings(manager: Manager) -> None:
    async with connected(manager) as client:
        for name in ("k1", "k2"):
            assert (await client.load(name, "kept.flac", loop=True, is_permanent=True))["ok"]
        error = (await client.load("k3", "kept.flac", loop=True, is_permanent=True))["error"]
        assert error["code"] == "too_many_sources"
        assert "max_permanent_sources" in error["message"]
        assert (await client.load("g1", "kept.flac", loop=True))["ok"]
        assert "max_client_sources" in (await client.load("g2", "kept.flac"))["error"]["message"]
        for name in ("k1", "k2"):
            assert (await client.ask(unloadsource={"name": name}))["ok"]


async def test_a_permanent_source_of_a_client_survives_a_restart(manager: Manager) -> None:
    async with connected(manager) as client:
        for name in ("kept", "unloaded"):
            assert (await client.load(name, "kept.flac", loop=True, is_permanent=True))["ok"]
        assert (await client.ask(unloadsource={"name": "unloaded"}))["ok"]
    manager.kill()
    manager.start()
    healed_s = manager.until(lambda: manager.source("kept").get("ok", False), within_s=20)
    healed_s += manager.until(lambda: manager.source("pond").get("ok", False), within_s=20)
    assert healed_s < 10, manager.log
    assert not manager.source("unloaded")
