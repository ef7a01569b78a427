"""From an address to the one that contains audio: follows playlists, and redirections to allowed addresses."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.media import Media, follows_redirects
from stream_manager.network.address import parse_address
from stream_manager.network.allowed_addresses import AllowedAddresses, require_allowed
from stream_manager.network.guard_pass import GUARD_ENV
from stream_manager.network.guarded_url import guarded_url
from stream_manager.network.playlist import MAX_BYTES, entries, has_playlist_name, hls_addresses, may_be_playlist
from stream_manager.network.probe import probe
from stream_manager.network.probe_argv import CONNECT_TIMEOUT_S
from tidzam.addresses import is_address, scheme_of
from tidzam.errors import RequestError
from tidzam.proxy import LOCAL_HOSTS
from tidzam.text import comma_list

log = logging.getLogger(__name__)

TIMEOUT_S = 8.0
MAX_REDIRECTIONS = 8
"""As many as ffmpeg follows."""
_UNREAD = (SourceFault.NOT_AUDIO, SourceFault.PLAYLIST)
MAX_DEPTH = 3
"""The maximum depth of playlists that contain playlists."""


@dataclass(frozen=True)
class WebPage:
    """The beginning of the content at an address on the web. `address` is the one after all redirections."""

    address: str
    content_type: str
    content: bytes


async def locate_audio(
    media: str,
    env: Mapping[str, str],
    allowed: AllowedAddresses | None,
    *,
    depth: int = 0,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
) -> Media:
    """The audio at the file or address `media`, or at the first address of that playlist which holds audio.

    Only `allowed` addresses are opened; None allows all. For `connect_timeout_s` see `probe`. Raises PlaybackError.
    """
    await _require(media, allowed)
    if not is_address(media) and allowed is not None:
        _require_unchanged(Path(media))
    if scheme_of(media) not in ("http", "https") or not is_address(media):
        return await _probe(media, env, timeout_s=connect_timeout_s)
    page = None
    follow = follows_redirects(allowed)
    if has_playlist_name(media) or not follow:
        page = await _fetch(media, env, allowed)
    if page is None or _entries(page) is None:
        if not follow and page is not None and allowed is not None:
            media = page.address
            await _require_hls(page, env, allowed)
        try:
            return await _probe(media, env, follow=follow, timeout_s=connect_timeout_s)
        except PlaybackError as error:
            page = page or (await _fetch(media, env, allowed) if _is_unexplained(error.failure) else None)
            if page is None or _entries(page) is None:
                raise _explained(error, page) from error
    return await _first_playable(_entries(page) or (), env, allowed, depth, connect_timeout_s)


def _is_unexplained(failure: SourceFailure) -> bool:
    """Whether the content at the address may show the cause: a playlist, or redirections without an end."""
    return failure.fault in _UNREAD or "input/output error" in failure.detail.lower()


def _explained(error: PlaybackError, page: WebPage | None) -> PlaybackError:
    """`error`, or its reason: ffmpeg reports a page of unknown length as an error of input or output."""
    is_known = error.failure.fault is not SourceFault.UNREACHABLE
    if is_known or page is None or not page.content or b"\0" in page.content:
        return error
    try:
        page.content.decode()
    except UnicodeDecodeError:
        return error
    return PlaybackError(SourceFailure(SourceFault.NOT_AUDIO, f"it is a text, sent as {page.content_type}"))


async def _probe(media: str, env: Mapping[str, str], *, follow: bool = True, timeout_s: float) -> Media:
    """What `media` holds, at the address that players open for it.

    Raises PlaybackError, with the fault PLAYLIST if it is a playlist instead of audio.
    """
    opened = guarded_url(media) if is_address(media) and GUARD_ENV in env else media
    try:
        found = await probe(opened, env, follow=follow, connect_timeout_s=timeout_s)
    except PlaybackError as error:
        if error.failure.fault is SourceFault.NOT_AUDIO and may_be_playlist(media):
            raise PlaybackError(SourceFailure(SourceFault.PLAYLIST)) from error
        raise
    return Media(opened, found.channels, found.rate_hz, found.duration_s)


async def _first_playable(
    found: tuple[str, ...], env: Mapping[str, str], allowed: AllowedAddresses | None, depth: int, timeout_s: float
) -> Media:
    if depth >= MAX_DEPTH:
        raise PlaybackError(SourceFailure(SourceFault.PLAYLIST, f"more than {MAX_DEPTH} nested playlists"))
    failure = SourceFailure(SourceFault.PLAYLIST, "it contains no address that can be played")
    for entry in found:
        try:
            return await locate_audio(entry, env, allowed, depth=depth + 1, connect_timeout_s=timeout_s)
        except PlaybackError as error:
            if failure.fault.persistent:  # one entry that may play later is reason enough to retry soon
                failure = error.failure
    raise PlaybackError(failure)


def _entries(page: WebPage) -> tuple[str, ...] | None:
    return entries(page.content, address=page.address, content_type=page.content_type)


async def _require(media: str, allowed: AllowedAddresses | None) -> None:
    try:
        await require_allowed(media, allowed)
    except (RequestError, ValueError) as error:
        raise PlaybackError(SourceFailure(SourceFault.NOT_ALLOWED)) from error


def _require_unchanged(path: Path) -> None:
    """Raises PlaybackError if a link has taken the place of a part of `path`, which had none when it was checked."""
    try:
        unchanged = path.resolve() == path
    except (OSError, RuntimeError):
        unchanged = False
    if not unchanged:
        raise PlaybackError(SourceFailure(SourceFault.UNREADABLE, "a link has taken its place"))


async def _require_hls(page: WebPage, env: Mapping[str, str], allowed: AllowedAddresses, *, depth: int = 0) -> None:
    """Raises PlaybackError if a page is HLS and it, or one of its lists, contains an address that is not allowed."""
    try:
        named = hls_addresses(page.content, address=page.address)
    except ValueError:  # an address that cannot be split
        named = None
    if named is None or depth > MAX_DEPTH:
        raise PlaybackError(
            SourceFailure(SourceFault.PLAYLIST, "without the token, not all of its addresses can be checked")
        )
    for address in named:
        await _require(address, allowed)
        if has_playlist_name(address) and (inner := await _fetch(address, env, allowed)) is not None:
            await _require_hls(inner, env, allowed, depth=depth + 1)


async def _fetch(address: str, env: Mapping[str, str], allowed: AllowedAddresses | None) -> WebPage | None:
    """The beginning of the content at `address`; None if it cannot be read: the player will report the reason.

    A proxy that `env` names is used as the player uses it. Raises PlaybackError if an address that it leads to is not
    allowed, and after too many redirections.
    """
    try:
        async with asyncio.timeout(TIMEOUT_S):
            for _ in range(MAX_REDIRECTIONS + 1):
                page, address = await _get(address, env.get("http_proxy"))
                if page is not None:
                    return page
                await _require(address, allowed)
            raise PlaybackError(SourceFailure(SourceFault.REDIRECTED, f"more than {MAX_REDIRECTIONS} times"))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RequestError) as error:
        log.debug("%s cannot be read: %s", address, error or type(error).__name__)
    return None


async def _get(address: str, proxy: str | None) -> tuple[WebPage | None, str]:
    """The content at `address`, or the address that it redirects to. Raises aiohttp.ClientError and RequestError."""
    parsed = parse_address(address)
    proxied = proxy is None and parsed.host not in LOCAL_HOSTS and not _is_bypassed(parsed.host)
    async with (
        aiohttp.ClientSession(trust_env=proxied) as session,
        session.get(URL(parsed.url, encoded=True), allow_redirects=False, proxy=proxy) as answer,
    ):
        if answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers:
            return None, parse_address(urljoin(parsed.url, answer.headers["Location"])).url
        if answer.status != 200:
            raise aiohttp.ClientError(f"HTTP status {answer.status}")
        return WebPage(parsed.url, answer.content_type, await _beginning(answer.content)), parsed.url


def _is_bypassed(host: str) -> bool:
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return host in comma_list(listed)


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    """At most MAX_BYTES; of content that is not text, only the first chunk."""
    read = b""
    while len(read) < MAX_BYTES:
        chunk = await content.readany()
        read += chunk
        if not chunk or b"\0" in chunk:
            break
    return read[:MAX_BYTES]
