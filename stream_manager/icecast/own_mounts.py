"""Sources that play a mount of the node's own Icecast: they are loaded once it is served."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from stream_manager.icecast.server import Icecast
from stream_manager.network.address import parse_address
from tidzam.addresses import is_address
from tidzam.config.settings import IcecastSettings
from tidzam.errors import RequestError
from tidzam.proxy import LOCAL_HOSTS

PLAYLIST_SUFFIXES = (".m3u", ".xspf")
"""What follows the path of a mount in the addresses of its playlists, which Icecast generates."""


def own_mount(url: str, settings: IcecastSettings) -> str | None:
    """The path of the mount of the node's own Icecast that `url` or its playlist leads to; None if it leads elsewhere.

    >>> own_mount("http://localhost:8000/pond-out_0.ogg.m3u", IcecastSettings())
    '/pond-out_0.ogg'
    """
    if not is_address(url):
        return None
    try:
        address = parse_address(url)
    except RequestError:
        return None
    is_local = address.host in LOCAL_HOSTS and settings.reachable_host in LOCAL_HOSTS
    is_host = is_local or address.host in (settings.host, settings.reachable_host)
    if address.scheme != "http" or not is_host or address.port != settings.port:
        return None
    path = unquote(urlsplit(address.url).path)
    for suffix in PLAYLIST_SUFFIXES:
        path = path.removesuffix(suffix)
    return path


async def until_served(url: str, icecast: Icecast, *, timeout_s: float) -> None:
    """Wait for `timeout_s` at most until the node's own Icecast serves what `url` leads to; not for other addresses."""
    path = own_mount(url, icecast.settings)
    if path is None:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            while path not in (icecast.mounts or {}):
                await icecast.polled()
