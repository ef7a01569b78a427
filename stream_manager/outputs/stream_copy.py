"""Sources with `format: copy`: one Icecast mount `/NAME.ogg` with all channels as they are encoded, and no JACK port.

The player is an ffmpeg that does not decode. It writes to a pipe, and the mount is pushed by this process, so that no
command line shows Icecast's password.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import ClassVar, Final

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault, classify_broken_stream, classify_stderr
from stream_manager.icecast.mount import IcecastMount
from stream_manager.media import Media, PlayRequest, Track
from stream_manager.network.credentials_fd import ffconcat_of, may_hold_credentials, text_descriptor
from stream_manager.outputs.base import OutputFault
from stream_manager.outputs.registry import OutputType
from stream_manager.outputs.stream_copy_argv import read_rate, stream_copy_argv
from stream_manager.players.base import PlayerReports
from stream_manager.players.media_lookup import locate_audio
from stream_manager.players.registry import PlayerType
from stream_manager.services import Services
from tidzam.addresses import scheme_of
from tidzam.config import SourceSettings
from tidzam.naming import copied_mount_name
from tidzam.process import Child, child_process

_CHUNK_BYTES = 65536


def _mount_of(source: str, services: Services) -> IcecastMount:
    """The mount of a copied source, which its player feeds and its output serves."""
    if source not in services.copied_mounts:
        services.copied_mounts[source] = IcecastMount(copied_mount_name(source), source, services.icecast)
    return services.copied_mounts[source]


class CopyPlayer:
    """The player of sources with `format: copy`, see `Player`. Its tracks have no ports."""

    def __init__(self, track: Track, services: Services, reports: PlayerReports) -> None:
        self._track, self._services = track, services
        self._ffmpeg: Child | None = None
        self._began_s: float | None = None
        self._last_s = 0.0

    @staticmethod
    async def inspect(request: PlayRequest, services: Services) -> Media:
        timeout_s = services.settings.healing.connect_timeout_s
        return await locate_audio(request.url, services.env, request.allowed, connect_timeout_s=timeout_s)

    @staticmethod
    def refusal(track: Track) -> SourceFailure | None:
        return None

    async def play(self) -> None:
        mount = _mount_of(self._track.source, self._services)
        mount.begin()
        async with AsyncExitStack() as stack:
            ffmpeg = self._ffmpeg = await self._start(stack)
            assert ffmpeg.process.stdout is not None
            while data := await ffmpeg.process.stdout.read(_CHUNK_BYTES):
                self._last_s = time.monotonic()
                self._began_s = self._began_s or self._last_s
                mount.feed(data)
            code = await ffmpeg.wait()
        if code < 0:
            raise PlaybackError(SourceFailure(SourceFault.DIED, f"signal {-code}"))
        is_live = self._track.media.is_live
        classify = classify_broken_stream if is_live and self._began_s is not None else classify_stderr
        failure = classify(ffmpeg.tail, SourceFault.DIED)
        # ffmpeg ends normally when a connection breaks.
        if code > 0 or (is_live and failure.fault is SourceFault.UNREACHABLE):
            raise PlaybackError(failure)

    async def _start(self, stack: AsyncExitStack) -> Child:
        """An ffmpeg that runs while `stack` is open. No command line shows credentials."""
        track, script = self._track, None
        media = track.media.url
        if may_hold_credentials(media):
            follow = track.follows_redirects or scheme_of(media) not in ("http", "https")
            script = stack.enter_context(text_descriptor(ffconcat_of(media, follow=follow)))
        argv = stream_copy_argv(
            media,
            loop=track.request.loop,
            rate=read_rate(track.media),
            timeout_s=self._services.settings.healing.player_network_timeout_s,
            script=script,
            follow=track.follows_redirects,
        )
        return await stack.enter_async_context(
            child_process(
                argv,
                name=f"{track.source} ffmpeg",
                env=self._services.env,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=() if script is None else (script,),
            )
        )

    async def position_s(self) -> float | None:
        """For how long data has arrived: it stands still when the source sends nothing."""
        return None if self._began_s is None else self._last_s - self._began_s

    def kill(self) -> None:
        if self._ffmpeg is not None:
            self._ffmpeg.kill()


class CopyOutput:
    """The output of sources with `format: copy`, see `Output`: the mount that their player feeds.

    It outlives players, so that listeners stay connected while one is replaced.
    """

    jack_suffix: ClassVar[str] = ""

    def __init__(self, source: SourceSettings, channels: int, services: Services) -> None:
        self._source, self._services = source.name, services
        self._mount = _mount_of(source.name, services)

    async def run(self) -> None:
        try:
            await self._mount.serve()
        finally:
            self._services.copied_mounts.pop(self._source, None)

    @property
    def addresses(self) -> tuple[str, ...]:
        return (f"{self._services.icecast.url}{self._mount.path}",)

    @property
    def sent_bytes(self) -> int:
        return self._mount.sent_bytes

    def faults(self) -> tuple[OutputFault, ...]:
        served = self._services.icecast.mounts
        if self._mount.path in (served or {}):
            return ()
        return (OutputFault("source_mounts", f"lacks its mount {self._mount.path}.", is_reported=served is None),)


COPY_PLAYERS: Final[Mapping[str, PlayerType]] = {"copy": CopyPlayer}
COPY_OUTPUTS: Final[Mapping[str, OutputType]] = {"copy": CopyOutput}
