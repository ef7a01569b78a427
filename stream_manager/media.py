"""What a source plays: as requested, as found, and as handed to a player."""

from __future__ import annotations

from dataclasses import dataclass

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.probe_argv import is_rtsp
from stream_manager.replay import Replay
from tidzam.addresses import is_address
from tidzam.config import SourceSettings
from tidzam.naming import port_name


@dataclass(frozen=True)
class PlayRequest:
    """What a source is to play, before anything has been opened.

    `settings` are those of the source. `url` is what to open: an absolute path, an address, or empty for a player that
    opens nothing. `channels` are the numbers of the channels to play, from 0 and in that order; None for all. `allowed`
    limits which addresses may be opened; None allows all. `replay` are the recordings to play instead, if any.
    """

    settings: SourceSettings
    url: str
    channels: tuple[int, ...] | None = None
    allowed: AllowedAddresses | None = None
    replay: Replay | None = None

    @property
    def source(self) -> str:
        """The name of the source."""
        return self.settings.name

    @property
    def loop(self) -> bool:
        """Whether a file is to be repeated endlessly, without gaps."""
        return self.settings.loop

    @property
    def is_copied(self) -> bool:
        """Whether it goes to Icecast as it is encoded, without JACK."""
        return self.settings.format == "copy"


@dataclass(frozen=True)
class Media:
    """What a player found at a request's `url`, or at the address that it leads to.

    `rate_hz` is its own sample rate, `duration_s` is None if it has no known end. `is_device` is whether it comes from
    a device of this machine, such as a microphone.
    """

    url: str
    channels: int
    rate_hz: int
    duration_s: float | None
    is_device: bool = False

    @property
    def is_live(self) -> bool:
        """Whether it is heard as it happens: a device, or a stream without a known end."""
        return self.is_device or (is_address(self.url) and self.duration_s is None)

    @property
    def has_own_clock(self) -> bool:
        """Whether its server sends it at the pace of a clock of its own, as live media and everything by RTSP."""
        return self.is_live or is_rtsp(self.url)


@dataclass(frozen=True)
class Track:
    """`media`, to be played as `request` asks into the JACK ports `ports`."""

    request: PlayRequest
    media: Media

    @property
    def source(self) -> str:
        return self.request.source

    @property
    def channels(self) -> int:
        """The number of ports; 0 if it is copied to Icecast without JACK."""
        if self.request.is_copied:
            return 0
        return self.media.channels if self.request.channels is None else len(self.request.channels)

    @property
    def ports(self) -> frozenset[str]:
        return frozenset(port_name(self.source, channel) for channel in range(self.channels))

    @property
    def ends(self) -> bool:
        """Whether it has an end."""
        return self.media.duration_s is not None and not self.request.loop

    @property
    def follows_redirects(self) -> bool:
        """Whether the player may follow HTTP redirections."""
        return follows_redirects(self.request.allowed)


def follows_redirects(allowed: AllowedAddresses | None) -> bool:
    """Whether a player may follow HTTP redirections: not those of clients without the token, which are followed, and
    checked, before it starts."""
    return allowed is None or allowed.allow_private


def make_track(request: PlayRequest, media: Media) -> Track:
    """The track of `request`. Raises PlaybackError (`source_channels`) if it asks for channels that `media` lacks."""
    beyond = [channel for channel in request.channels or () if channel >= media.channels]
    if beyond:
        detail = f"channel {beyond[0]} was requested, the source has 0 to {media.channels - 1}"
        raise PlaybackError(SourceFailure(SourceFault.CHANNELS, detail))
    return Track(request, media)
