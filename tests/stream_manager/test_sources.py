"""The collection of sources: players and outputs that the settings name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stream_manager.app import output_suffixes
from stream_manager.sources import Sources
from tests.support.eventually import eventually_async
from tests.support.packages import install_package
from tests.support.services import services
from tidzam.config import Settings, SourceSettings
from tidzam.errors import ConfigError, RequestError
from tidzam.extensions import Registry
from tidzam.protocol.source_status import SourceState, SourceStatus

pytestmark = pytest.mark.timeout(20)


@asynccontextmanager
async def loaded(*settings: SourceSettings) -> AsyncIterator[Sources]:
    """The sources of a profile."""
    shared = services()
    async with asyncio.TaskGroup() as tasks:
        sources = Sources(shared, tasks, shared.settings)
        await sources.load_permanent(settings, ())
        yield sources
        await sources.unload_all()


def status(sources: Sources, name: str) -> SourceStatus:
    return next(one for one in sources.statuses() if one.name == name)


def source(name: str, **settings: Any) -> SourceSettings:
    return SourceSettings(name=name, **({"url": "/none.wav"} | settings))


@pytest.mark.parametrize("settings", [{"player": "mvp"}, {"outputs": ["icecats"]}])
async def test_a_source_with_an_unknown_player_or_output_is_refused_and_the_others_are_loaded(settings: Any) -> None:
    async with loaded(source("pond", **settings), source("lake")) as sources:
        refused = status(sources, "pond")
        assert (refused.state, refused.code) == (SourceState.FAILED, "unknown_extension")
        assert "Did you mean" in (refused.last_error or "")
        assert [one.name for one in sources] == ["lake"]


async def test_a_player_of_the_profile_gets_addresses_of_its_own_scheme_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = """
requested = []


class RadioPlayer:
    @staticmethod
    async def inspect(request, services):
        requested.append(request.url)
        raise RuntimeError("no radio here")
"""
    install_package(tmp_path, monkeypatch, "radio", module, "tidzam.players", "radio = radio:RadioPlayer")
    registry = Registry("tidzam.players", "player", {"mpv": "stream_manager.players.mpv:MpvPlayer"})
    monkeypatch.setattr("stream_manager.players.registry.PLAYERS", registry)
    radio = registry.load("radio")
    requested = __import__(radio.__module__).requested
    async with loaded(source("pond", player="radio", url="radio://7"), source("lake", player="radio", url=None)):
        await eventually_async(lambda: len(requested) >= 2)
    assert sorted(requested)[:2] == ["", "radio://7"]


async def test_a_scheme_that_no_built_in_player_knows_is_refused() -> None:
    async with loaded(source("pond", url="radio://7")) as sources:
        assert status(sources, "pond").code == "source_refused"


async def test_a_source_without_record_settings_is_switched_until_it_is_unloaded() -> None:
    async with loaded() as sources:
        await sources.load(source("well", url="http://127.0.0.1:9/well.ogg"), "client", trusted=True)
        await sources.switch_recording("well", on=True)
        recording = status(sources, "well").recording
        assert recording is not None
        assert recording.on
        await sources.unload("well")
        await sources.load(source("well", url="http://127.0.0.1:9/well.ogg"), "client", trusted=True)
        recording = status(sources, "well").recording
        assert recording is not None
        assert not recording.on


async def test_a_copied_source_cannot_be_recorded() -> None:
    async with loaded(source("pond", url="http://127.0.0.1:9/pond.ogg", format="copy")) as sources:
        with pytest.raises(RequestError) as caught:
            await sources.switch_recording("pond", on=True)
        assert caught.value.code == "not_recordable"


def test_the_suffixes_of_all_outputs_in_use_are_collected() -> None:
    settings = Settings(sources=(source("pond", outputs=["icecast"]), source("lake", outputs=["unknown"])))
    assert output_suffixes(settings) == ("ice", "rec")


def test_an_unknown_output_of_the_stream_manager_is_refused() -> None:
    with pytest.raises(ConfigError, match="There is no output 'icecats'"):
        output_suffixes(Settings.model_validate({"stream_manager": {"outputs": "icecats"}}))


def test_a_source_needs_a_url_a_demo_or_a_player() -> None:
    with pytest.raises(ValueError, match="or a player that needs none"):
        SourceSettings(name="pond")
