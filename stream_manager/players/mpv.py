"""Plays files and streams of up to 8 channels: one mpv per source."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault, classify_stderr
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.network.credentials_fd import may_hold_credentials, playlist_of, text_descriptor
from stream_manager.players.base import PlayerReports
from stream_manager.players.media_lookup import locate_audio
from stream_manager.players.mpv_argv import mpv_argv
from stream_manager.players.mpv_end import TERM_GRACE_S, until_quit
from stream_manager.players.mpv_ipc import MpvIpc, mpv_ipc
from stream_manager.players.progress_meter import ProgressMeter
from stream_manager.services import Services
from tidzam.addresses import is_address
from tidzam.gaps import GapReason
from tidzam.process import Child, child_process

MAX_CHANNELS = 8
"""The largest channel layout that mpv knows."""

UNDERRUN = "underrun"
CORRUPT = "packet corrupt"


class MpvPlayer:
    """The player `mpv`, see `Player`."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        self._track, self._services, self._reports = track, services, reports
        self._mpv: Child | None = None
        self._ipc: MpvIpc | None = None
        self._progress = ProgressMeter(round_s=track.media.duration_s if track.request.loop else None)

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
        async with AsyncExitStack() as stack:
            mpv = self._mpv = await self._start(stack)
            try:
                code = await mpv.wait()
            finally:
                await self._leave(mpv)
        if code < 0:
            raise PlaybackError(SourceFailure(SourceFault.DIED, f"signal {-code}"))
        if code > 0:
            raise PlaybackError(classify_stderr(tuple(mpv.tail), SourceFault.DIED))

    async def _start(self, stack: AsyncExitStack) -> Child:
        """An mpv that runs while `stack` is open. No command line shows credentials."""
        track, playlist = self._track, None
        if may_hold_credentials(track.media.url):
            playlist = stack.enter_context(text_descriptor(playlist_of(track.media.url)))
        program, *arguments = mpv_argv(
            track.source,
            track.media.url,
            channels=track.request.channels,
            loop=track.request.loop,
            lead_in=track.ends,
            buffer_s=self._services.settings.buffer_s,
            timeout_s=self._services.settings.healing.player_network_timeout_s,
            playlist=playlist,
            follow=track.follows_redirects,
        )
        ipc = await stack.enter_async_context(mpv_ipc())
        child = child_process(
            [program, ipc.option, *arguments],
            name=f"{track.source} mpv",
            env=self._services.env,
            pass_fds=[ipc.fd] if playlist is None else [ipc.fd, playlist],
            merge_output=True,
            grace_s=TERM_GRACE_S,
            on_line=self._read_line,
        )
        mpv = await stack.enter_async_context(child)
        await ipc.started()
        self._ipc = ipc
        return mpv

    async def _leave(self, mpv: Child) -> None:
        """Let mpv close its JACK client, which it does not at SIGTERM."""
        assert self._ipc is not None
        self._ipc.close()
        await until_quit(mpv)

    def _read_line(self, line: str) -> None:
        if CORRUPT in line.lower():
            self._reports.corrupt()
        if UNDERRUN in line.lower():
            self._progress.underrun()

    async def position_s(self) -> float | None:
        if self._ipc is None:
            return None
        asked_s = time.monotonic()
        position_s = await self._ipc.position_s()
        lost_s = self._progress.lost_s(asked_s, time.monotonic(), position_s)
        if lost_s is not None:
            is_network = is_address(self._track.media.url)
            self._reports.gap(GapReason.NETWORK if is_network else GapReason.UNDERRUN, lost_s)
        return position_s

    def kill(self) -> None:
        if self._mpv is not None:
            self._mpv.kill()
