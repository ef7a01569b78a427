"""The contract of players: what turns media into JACK ports.

A player is a class, registered by name in `stream_manager.players.registry` or, by another package, as an entry point
of the group `tidzam.players`. A source names its player in the setting `player`; `auto` chooses a built-in one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from stream_manager.faults import SourceFailure
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.replay import MediaTime
from stream_manager.services import Services
from tidzam.gaps import GapReason


@dataclass(frozen=True)
class PlayerReports:
    """What a player reports while it plays. The callbacks return immediately and must be called in the event loop.

    `gap`: the audio was interrupted for this reason and as many seconds, until now. `corrupt`: a part of the media
    could not be decoded; a file that then ends counts as truncated. `drift`: by how much the clock of the source is
    faster than that of JACK, in parts per million, for players that measure it. `overrun`: more live audio came than
    can wait, so that the server that sends it has to. `time`: the media has times of its own, and this is one of them;
    reported whenever it cannot be calculated from the one before.
    """

    gap: Callable[[GapReason, float], None]
    corrupt: Callable[[], None]
    drift: Callable[[float], None] = lambda ppm: None
    time: Callable[[MediaTime], None] = lambda time: None
    overrun: Callable[[], None] = lambda: None


class Player(Protocol):
    """Plays one track into the JACK ports `track.ports`, once.

    The source calls `inspect` and `refusal` to find out what there is to play, makes a player and awaits `play`. It
    sees in the JACK graph when the ports appear, which they must within twice `healing.connect_timeout_s`, and from
    then on asks for `position_s` once per second. It restarts a player that fails, hangs or loses JACK by making
    another one, with increasing delays.

    A class whose attribute `corrects_drift` is true plays media that have a clock of their own
    (`Media.has_own_clock`) without ever running out of audio or accumulating it; of several players that can play such
    media, it is preferred.

    Any exception is contained by the source: it is logged, counted in `/metrics`, and the source fails with the code
    `internal`. To report why something cannot be played, raise PlaybackError.
    """

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        """Prepare to play `track`. Must neither wait nor acquire resources: `play` does."""

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        """What `request` leads to: its channels, sample rate and duration. Opens no JACK client.

        Must not open an address that `request.allowed` forbids. May be cancelled. Raises PlaybackError.
        """
        ...

    @staticmethod
    def refusal(track: Track) -> SourceFailure | None:
        """Why this player cannot play `track`, judged by its description alone; None if it can. Pure."""
        ...

    async def play(self) -> None:
        """Register `track.ports` under the client name `track.source`, play, and return when the media has ended.

        Raises PlaybackError if it ends for another reason. When cancelled, it must end its processes and close its JACK
        client before it returns; no port may remain. Where the media ends, `track.ends`, its beginning should wait
        until ports that are connected to it can receive it.
        """

    async def position_s(self) -> float | None:
        """The position in the media in seconds; None if nothing has been played yet. Only called while `play` runs.

        A player whose position does not change for `stream_manager.player_timeout_s`, and whose ports do not carry
        digital silence, is considered hung. So is one that does not answer: it may raise TimeoutError, OSError or
        ValueError. With digital silence, it is considered to wait for data, for up to `healing.no_data_timeout_s`.
        """
        ...

    def kill(self) -> None:
        """End immediately, without disconnecting from JACK: the player hangs, or the JACK server is gone.

        `play` is then cancelled.
        """
