"""Channels, sample rate and duration of a file or stream, determined by ffprobe."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault, classify_stderr
from stream_manager.network.credentials_fd import ffconcat_of, may_hold_credentials, playlist_of, text_descriptor
from stream_manager.network.probe_argv import CONNECT_TIMEOUT_S, duration_argv, probe_argv
from tidzam.addresses import is_address, scheme_of
from tidzam.audio.ffprobe import parse_duration, parse_ffprobe
from tidzam.process import child_process

DURATION_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Probe:
    """The first audio stream of a file or address. `duration_s` is None if it has no known end."""

    channels: int
    rate_hz: int
    duration_s: float | None


async def probe(
    media: str, env: Mapping[str, str], *, follow: bool = True, connect_timeout_s: float = CONNECT_TIMEOUT_S
) -> Probe:
    """Run ffprobe, with `env` added to its environment; `follow` allows redirections.

    A server may be silent for `connect_timeout_s`, and take twice that altogether. Raises PlaybackError.
    """
    if not is_address(media):
        _check_file(Path(media))
    try:
        async with asyncio.timeout(2 * connect_timeout_s):
            return await _ask(media, env, follow, connect_timeout_s)
    except TimeoutError:
        detail = f"no answer within {2 * connect_timeout_s:.0f} s"
        raise PlaybackError(SourceFailure(SourceFault.UNREACHABLE, detail)) from None


def _check_file(path: Path) -> None:
    try:
        if not path.is_file():
            raise PlaybackError(SourceFailure(SourceFault.NOT_FOUND, str(path)))
        if path.stat().st_size == 0:
            raise PlaybackError(SourceFailure(SourceFault.EMPTY, str(path)))
    except OSError as error:
        raise PlaybackError(SourceFailure(SourceFault.UNREADABLE, f"{path}: {error.strerror}")) from None


async def _ask(media: str, env: Mapping[str, str], follow: bool, timeout_s: float) -> Probe:
    if not may_hold_credentials(media):
        return parse_probe(*await _ffprobe(probe_argv(media, follow=follow, timeout_s=timeout_s), env))
    is_web = scheme_of(media) in ("http", "https")
    with text_descriptor(ffconcat_of(media, follow=follow or not is_web)) as script:
        found = parse_probe(*await _ffprobe(probe_argv(media, script=script), env, script))
    return replace(found, duration_s=await _duration_s(media, env))


async def _duration_s(media: str, env: Mapping[str, str]) -> float | None:
    """The duration of a file on the web, which ffmpeg's `concat` does not know; None for a stream without an end."""
    if scheme_of(media) not in ("http", "https"):
        return None
    with text_descriptor(playlist_of(media)) as playlist:
        try:
            async with asyncio.timeout(DURATION_TIMEOUT_S):
                answer, _ = await _ffprobe(duration_argv(media, playlist), env, playlist)
            return parse_duration(answer)
        except (TimeoutError, PlaybackError):
            return None


async def _ffprobe(argv: Sequence[str], env: Mapping[str, str], *passed: int) -> tuple[bytes, tuple[str, ...]]:
    """The output of ffprobe on stdout, and its lines on stderr. Raises PlaybackError if it failed."""
    pipe = asyncio.subprocess.PIPE
    async with child_process(argv, name="ffprobe", env=env, stdout=pipe, grace_s=0.5, pass_fds=passed) as child:
        assert child.process.stdout is not None
        answer = await child.process.stdout.read()
        code = await child.wait()
    if code != 0:  # the output need not even be JSON
        raise PlaybackError(classify_stderr(child.tail, SourceFault.NOT_AUDIO))
    return answer, tuple(child.tail)


def parse_probe(answer: bytes, stderr: Sequence[str] = ()) -> Probe:
    """ffprobe's JSON as a Probe, given what it wrote to `stderr`. Raises PlaybackError if it lacks audio."""
    try:
        found = parse_ffprobe(answer)
    except ValueError:
        raise PlaybackError(SourceFailure(SourceFault.NOT_AUDIO, "ffprobe's output cannot be parsed")) from None
    if found is None:
        raise PlaybackError(SourceFailure(SourceFault.NOT_AUDIO, "no audio stream"))
    if not found.has_frame:
        raise PlaybackError(
            classify_stderr(stderr, SourceFault.NOT_AUDIO)
            if stderr
            else SourceFailure(SourceFault.EMPTY, "a header without audio")
        )
    if found.channels is None or found.rate_hz is None:
        raise PlaybackError(SourceFailure(SourceFault.NOT_AUDIO, "its channels or sample rate are unknown"))
    return Probe(found.channels, found.rate_hz, found.duration_s)
