"""The known players, and which of them plays a track."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from stream_manager.faults import PlaybackError
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.players.base import Player
from stream_manager.players.media_lookup import locate_audio
from stream_manager.services import Services
from tidzam.extensions import Registry

PLAYERS: Final = Registry(
    "tidzam.players",
    "player",
    {
        "mpv": "stream_manager.players.mpv:MpvPlayer",
        "feeder": "stream_manager.players.feeder:FeederPlayer",
        **dict.fromkeys(("tone", "noise", "silence"), "stream_manager.players.signals:SignalPlayer"),
        "input": "stream_manager.players.sound_card:InputPlayer",
        "replay": "stream_manager.players.replay:ReplayPlayer",
    },
)
AUTO: Final = "auto"
REPLAY: Final = "replay"
AUTO_ORDER: Final = ("mpv", "feeder")
"""The players that AUTO considers, in order of preference."""

PlayerType = type[Player]


def load_players(name: str) -> Mapping[str, PlayerType]:
    """The players that the setting `player` admits, by name and in order of preference.

    Raises ConfigError if the name is unknown, or if the player cannot be imported.
    """
    return {one: cast(Any, PLAYERS.load(one)) for one in (AUTO_ORDER if name == AUTO else (name,))}


def choose_player(track: Track, players: Mapping[str, PlayerType]) -> str:
    """The name of the first of `players` that can play `track`.

    Media that have a clock of their own are played by a player that corrects the drift of that clock, if one can.
    Raises PlaybackError with the reason of the last one if none can.
    """
    failure = None
    for name in _by_preference(track, players):
        failure = players[name].refusal(track)
        if failure is None:
            return name
    assert failure is not None, "no player was given"
    raise PlaybackError(failure)


def _by_preference(track: Track, players: Mapping[str, PlayerType]) -> list[str]:
    names = list(players)
    if track.media.has_own_clock:
        names.sort(key=lambda name: not getattr(players[name], "corrects_drift", False))
    return names


async def inspect(request: PlayRequest, players: Mapping[str, PlayerType], services: Services) -> Media:
    """What `request` leads to. With a single player, that one is asked. Raises PlaybackError."""
    if len(players) == 1:
        (player,) = players.values()
        return await player.inspect(request, services)
    timeout_s = services.settings.healing.connect_timeout_s
    return await locate_audio(request.url, services.env, request.allowed, connect_timeout_s=timeout_s)
