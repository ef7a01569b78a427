"""Plays files and streams of up to 64 channels: ffmpeg decodes, and a feeder plays in JACK."""

from __future__ import annotations

import signal
from contextlib import AsyncExitStack, suppress
from typing import Final

from stream_manager.faults import (
    PlaybackError,
    SourceFailure,
    SourceFault,
    classify_broken_stream,
    classify_stderr,
    ends_unknown_length,
)
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.network.credentials_fd import ffconcat_of, may_hold_credentials, text_descriptor
from stream_manager.players.base import PlayerReports
from stream_manager.players.decoder_argv import decoder_argv
from stream_manager.players.feeder_progress import FeederProgress
from stream_manager.players.media_lookup import locate_audio
from stream_manager.services import Services
from tidzam.addresses import scheme_of
from tidzam.aio import first_completed
from tidzam.jack.feeder_client import Feeder, feeder
from tidzam.jack.feeder_protocol import FeederStatus, Pacing
from tidzam.process import Child, child_process

MAX_CHANNELS = 64
"""The maximum of ffmpeg's resampler and of its filter for selecting channels (SWR_CH_MAX)."""

MIN_ROUND_S = 2.0
"""Files shorter than this are repeated by ffmpeg itself: it would have to be started too often."""

CORRUPT = "packet corrupt"

ENDED_NORMALLY = (SourceFault.UNREACHABLE, SourceFault.FORMAT_CHANGED)
"""Reasons for which a live stream may end although ffmpeg exits with 0."""


class FeederPlayer:
    """The player `feeder`, see `Player`."""

    corrects_drift: Final = True

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        self._track, self._services, self._reports = track, services, reports
        self._pacing = Pacing.PUSH if track.media.has_own_clock else Pacing.PULL
        self._progress = FeederProgress(reports, self._pacing)
        self._feeder: Feeder | None = None
        self._ffmpeg: Child | None = None

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        timeout_s = services.settings.healing.connect_timeout_s
        return await locate_audio(request.url, services.env, request.allowed, connect_timeout_s=timeout_s)

    @staticmethod
    def refusal(track: Track) -> SourceFailure | None:
        if not 1 <= track.media.channels <= MAX_CHANNELS:
            return SourceFailure(SourceFault.CHANNELS, f"the source has {track.media.channels}")
        if track.channels > MAX_CHANNELS:
            return SourceFailure(SourceFault.CHANNELS, f"{track.channels} were requested")
        return None

    async def play(self) -> None:
        track = self._track
        playing = feeder(
            track.source,
            track.channels,
            rate_hz=track.media.rate_hz,
            pacing=self._pacing,
            ahead_s=self._services.settings.buffer_s,
            ports_with_audio=True,
            env=self._services.env,
            on_status=self._read_status,
        )
        async with playing as self._feeder:
            failure = await self._decode_all(self._feeder)
            self._feeder.close_input()
            code = await self._feeder.wait()  # it plays what it still holds
        if code < 0:
            raise PlaybackError(SourceFailure(SourceFault.DIED, f"signal {-code}"))
        if code > 0:
            raise PlaybackError(classify_stderr(self._feeder.tail, SourceFault.DIED))
        if failure is not None:
            raise PlaybackError(failure)

    async def _decode_all(self, feeding: Feeder) -> SourceFailure | None:
        """Decode the media into a feeder, which may fail while it plays what it has received.

        Returns why that ended early, if it did and audio has been played. Raises PlaybackError otherwise.
        """
        while (ffmpeg := await self._decode(feeding)) is not None:
            failure = self._failure_of(ffmpeg)
            has_audio = self._progress.has_played or ends_unknown_length(ffmpeg.tail)
            if failure is not None and not has_audio:
                raise PlaybackError(failure)
            if failure is not None or not self._repeats:
                return failure
        return None

    @property
    def _repeats(self) -> bool:
        """Whether a loop is played by one ffmpeg after the other.

        They are joined sample by sample; ffmpeg's own loop adds the preroll of Opus and of other codecs to each round.
        """
        return self._track.request.loop and (self._track.media.duration_s or 0.0) >= MIN_ROUND_S

    async def _decode(self, feeding: Feeder) -> Child | None:
        """Decode the media once into a feeder: the ffmpeg that has ended, None if the feeder has ended.

        No command line shows credentials.
        """
        track, media, output = self._track, self._track.media.url, feeding.input_fd
        async with AsyncExitStack() as stack:
            script = None
            if may_hold_credentials(media):
                follow = track.follows_redirects or scheme_of(media) not in ("http", "https")
                script = stack.enter_context(text_descriptor(ffconcat_of(media, follow=follow)))
            argv = decoder_argv(
                media,
                output,
                rate_hz=track.media.rate_hz,
                channels=track.request.channels,
                loop=track.request.loop and not self._repeats,
                lead_in=track.ends,
                timeout_s=self._services.settings.healing.player_network_timeout_s,
                script=script,
                follow=track.follows_redirects,
                changes=not track.media.has_own_clock,
            )
            child = child_process(
                argv,
                name=f"{track.source} ffmpeg",
                env=self._services.env,
                pass_fds=[output] if script is None else [output, script],
                on_line=self._read_line,
            )
            self._ffmpeg = await stack.enter_async_context(child)
            stack.callback(_interrupt, self._ffmpeg)
            if await first_completed(self._ffmpeg.wait(), feeding.wait()) == 1:
                return None
        return self._ffmpeg

    def _failure_of(self, ffmpeg: Child) -> SourceFailure | None:
        """Why an ffmpeg that has ended has failed, if it has. Raises PlaybackError if a signal ended it."""
        code = ffmpeg.returncode or 0
        if code < 0:
            raise PlaybackError(SourceFailure(SourceFault.DIED, f"signal {-code}"))
        is_live = self._track.media.is_live
        has_audio = self._progress.has_played or ends_unknown_length(ffmpeg.tail)
        classify = classify_broken_stream if is_live and has_audio else classify_stderr
        failure = classify(ffmpeg.tail, SourceFault.DIED)
        return failure if code > 0 or (is_live and failure.fault in ENDED_NORMALLY) else None

    def _read_status(self, status: FeederStatus) -> None:
        self._services.openings.opened(self._track.source)  # its ports may come much later, with the audio
        self._progress.read(status)

    def _read_line(self, line: str) -> None:
        if CORRUPT in line.lower():
            self._reports.corrupt()

    async def position_s(self) -> float | None:
        return self._progress.position_s()

    def kill(self) -> None:
        for process in (self._ffmpeg, self._feeder):
            if process is not None:
                process.kill()


def _interrupt(ffmpeg: Child) -> None:
    """Send a first signal to an ffmpeg that is to end: only the second one interrupts its wait for a server."""
    if ffmpeg.returncode is None:
        with suppress(ProcessLookupError):
            ffmpeg.process.send_signal(signal.SIGINT)
