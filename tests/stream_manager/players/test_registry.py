"""Which player plays a track, also one of another package."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.media import Media, Track, make_track
from stream_manager.players.feeder import FeederPlayer
from stream_manager.players.mpv import MpvPlayer
from stream_manager.players.registry import AUTO, PLAYERS, PlayerType, choose_player, inspect, load_players
from tests.support.packages import install_package
from tests.support.services import play_request, services
from tidzam.errors import ConfigError
from tidzam.extensions import Registry


def track(channels: int, picked: tuple[int, ...] | None = None) -> Track:
    return make_track(play_request("/pond.wav", picked), Media("/pond.wav", channels, 44100, 1.0))


def stream(url: str, duration_s: float | None, channels: int = 1) -> Track:
    return make_track(play_request(url), Media(url, channels, 44100, duration_s))


class PlaysAnything(MpvPlayer):
    @staticmethod
    def refusal(track: Track) -> SourceFailure | None:
        return None


BOTH: dict[str, PlayerType] = {"mpv": MpvPlayer, "other": PlaysAnything}


@pytest.mark.parametrize("one", [track(8), track(3, (2, 0)), track(8, (7,) * 8)])
def test_the_first_player_that_can_play_a_track_is_chosen(one: Track) -> None:
    assert choose_player(one, BOTH) == "mpv"


@pytest.mark.parametrize("one", [track(9), track(2, (0,) * 9)])
def test_the_next_player_is_chosen_where_the_first_cannot_play(one: Track) -> None:
    assert choose_player(one, BOTH) == "other"


@pytest.mark.parametrize("one", [track(0), track(9), track(2, (0,) * 9)])
def test_a_track_that_no_player_can_play_is_refused(one: Track) -> None:
    with pytest.raises(PlaybackError) as caught:
        choose_player(one, {"mpv": MpvPlayer})
    assert caught.value.failure.fault is SourceFault.CHANNELS


def test_a_channel_that_the_media_lacks_is_refused() -> None:
    with pytest.raises(PlaybackError, match="channel 2") as caught:
        track(2, (2,))
    assert caught.value.failure.fault is SourceFault.CHANNELS


def test_auto_considers_the_built_in_players_only() -> None:
    assert load_players(AUTO) == {"mpv": MpvPlayer, "feeder": FeederPlayer}


def test_auto_plays_more_channels_than_mpv_can_with_the_feeder() -> None:
    assert [choose_player(track(channels), load_players(AUTO)) for channels in (1, 8, 9, 30, 64)] == [
        *("mpv", "mpv", "feeder", "feeder", "feeder")
    ]


@pytest.mark.parametrize(
    "one",
    [stream("http://host/pond", None), stream("rtsp://host/pond", None, 2), stream("rtsp://host/pond.mp4", 10.0)],
)
def test_auto_plays_media_with_a_clock_of_their_own_with_the_player_that_corrects_its_drift(one: Track) -> None:
    assert choose_player(one, load_players(AUTO)) == "feeder"


@pytest.mark.parametrize("one", [stream("http://host/pond.ogg", 10.0), stream("/pond.aac", None)])
def test_auto_plays_media_that_wait_for_jack_with_mpv(one: Track) -> None:
    assert choose_player(one, load_players(AUTO)) == "mpv"


def test_a_player_that_does_not_correct_the_drift_plays_a_stream_if_it_is_the_only_one_that_can() -> None:
    assert choose_player(stream("http://host/pond", None, 70), {**BOTH, **load_players("feeder")}) == "other"


def test_more_channels_than_ffmpeg_can_convert_are_refused() -> None:
    with pytest.raises(PlaybackError, match="the source has 65"):
        choose_player(track(65), load_players(AUTO))


def test_an_unknown_player_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="mpv") as caught:
        load_players("mvp")
    assert caught.value.code == "unknown_extension"


PLAYER = """
from stream_manager.media import Media


class SinePlayer:
    def __init__(self, track, services, reports):
        pass

    @staticmethod
    async def inspect(request, services):
        return Media(request.url, 1, services.graph.rate_hz, None)

    @staticmethod
    def refusal(track):
        return None
"""


async def test_a_player_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_package(tmp_path, monkeypatch, "sine_player", PLAYER, "tidzam.players", "sine = sine_player:SinePlayer")
    registry = Registry(PLAYERS.group, PLAYERS.kind, {"mpv": "stream_manager.players.mpv:MpvPlayer"})
    monkeypatch.setattr("stream_manager.players.registry.PLAYERS", registry)
    players = load_players("sine")
    media = await inspect(play_request("sine://440"), players, services())
    assert choose_player(make_track(play_request("sine://440"), media), players) == "sine"
