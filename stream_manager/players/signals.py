"""Plays test signals: a tone, noise or silence, which a feeder generates."""

from __future__ import annotations

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault, classify_stderr
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.players.base import PlayerReports
from stream_manager.players.feeder_progress import FeederProgress
from stream_manager.services import Services
from tidzam.audio.signals import Noise, Signal, Silence, Tone
from tidzam.config import SourceSettings
from tidzam.jack.feeder_client import Feeder, signal_feeder
from tidzam.jack.feeder_protocol import Pacing


class SignalPlayer:
    """The players `tone`, `noise` and `silence`, see `Player`: whichever of these settings the source has."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        self._track, self._services = track, services
        self._progress = FeederProgress(reports, Pacing.PULL)
        self._feeder: Feeder | None = None

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        _, channels = _signal(request.settings)
        graph = services.graph
        await graph.until(lambda g: g.running)
        assert graph.rate_hz is not None
        return Media("", channels, graph.rate_hz, None)

    @staticmethod
    def refusal(track: Track) -> SourceFailure | None:
        return None

    async def play(self) -> None:
        track, (signal, _) = self._track, _signal(self._track.request.settings)
        playing = signal_feeder(
            track.source, track.channels, signal, env=self._services.env, on_status=self._progress.read
        )
        async with playing as self._feeder:
            await self._feeder.wait()
            raise PlaybackError(classify_stderr(self._feeder.tail, SourceFault.DIED))

    async def position_s(self) -> float | None:
        return self._progress.position_s()

    def kill(self) -> None:
        if self._feeder is not None:
            self._feeder.kill()


def _signal(settings: SourceSettings) -> tuple[Signal, int]:
    """The signal of a source, and its number of channels. Raises PlaybackError if it has none."""
    if settings.tone is not None:
        return Tone(settings.tone.frequency_hz, settings.tone.level_dbfs), settings.tone.channels
    if settings.noise is not None:
        return Noise(settings.noise.level_dbfs, settings.noise.seed), settings.noise.channels
    if settings.silence is not None:
        return Silence(), settings.silence.channels
    raise PlaybackError(SourceFailure(SourceFault.NOT_FOUND, "the source has no tone, noise or silence"))
