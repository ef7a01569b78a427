"""What a source has found out about its media, and how they have played so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stream_manager.media import Media
from tidzam.gaps import GapReason


@dataclass
class SourceFigures:
    """The figures of one source, as its status reports them.

    `rate_hz` and `is_live` are those of the media that were opened last, `channels` and `ports` those that are played
    of them. `started` is when they began to play, None while they do not. The numbers of interruptions count from the
    moment at which the source was loaded.
    """

    rate_hz: int | None = None
    is_live: bool = False
    channels: int = 0
    ports: tuple[str, ...] = ()
    started: datetime | None = None
    drift_ppm: float | None = None
    interruptions: int = 0
    underruns: int = 0
    overruns: int = 0

    def open(self, media: Media) -> None:
        """Take the figures of media that are about to be played."""
        self.rate_hz, self.is_live, self.drift_ppm = media.rate_hz, media.is_live, None

    def interrupted(self, reason: GapReason) -> None:
        """Count an interruption of the audio."""
        self.interruptions += 1
        self.underruns += reason in (GapReason.UNDERRUN, GapReason.NETWORK)

    def overrun(self) -> None:
        """Count live audio that was more than the buffer holds."""
        self.overruns += 1

    def drift(self, ppm: float) -> None:
        """Take the drift that was measured last."""
        self.drift_ppm = ppm

    def has_low_rate(self, jack_hz: int | None) -> bool:
        """Whether its sample rate is known to be below that of JACK."""
        return self.rate_hz is not None and jack_hz is not None and self.rate_hz < jack_hz

    def band_hz(self, jack_hz: int | None) -> int | None:
        """The highest frequency that it can contain; None while its rate or that of JACK is not known."""
        return None if self.rate_hz is None or jack_hz is None else min(self.rate_hz, jack_hz) // 2
