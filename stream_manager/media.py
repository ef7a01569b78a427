"""From what a client names to what a player may open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tidzam.errors import RequestError

SCHEMES = ("http", "https", "rtsp", "icecast")


def playable(url: str, media_roots: Sequence[Path], *, trusted: bool) -> str:
    """The address or the absolute path to open.

    A path is looked for under `media_roots`, links followed; a `trusted` one, named in the profile, may be
    anywhere. Raises RequestError for a scheme that is not played and for a path outside the roots.
    """
    if "://" in url:
        return _address(url)
    if trusted:
        return str(Path(url).expanduser().resolve())
    allowed = [found for root in media_roots if (found := (root / url).resolve()).is_relative_to(root.resolve())]
    if allowed:
        return str(next((found for found in allowed if found.exists()), allowed[0]))
    raise RequestError(f"{url!r} is not under a media root.", hint=_roots_hint(media_roots), field="url")


def _address(url: str) -> str:
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError as error:
        raise RequestError(f"{url!r} is no address: {error}.", field="url") from None
    if scheme not in SCHEMES or not host or any(ord(character) <= 32 for character in url):
        hint = f"Use {', '.join(SCHEMES)}, or a file under a media root."
        raise RequestError(f"{url!r} is no address that can be played.", hint=hint, field="url")
    # Listening to an Icecast mount is plain http; `icecast://` is ffmpeg's name for pushing to one.
    return "http" + url.removeprefix("icecast") if scheme == "icecast" else url


def _roots_hint(media_roots: Sequence[Path]) -> str:
    if not media_roots:
        return "No media root is configured: set stream_manager.media_roots in the profile."
    return f"Media roots are: {', '.join(map(str, media_roots))}."


def channel_numbers(channels: Sequence[str] | None) -> tuple[int, ...] | None:
    """Channels as numbers from 0. Raises RequestError for anything else."""
    if channels is None:
        return None
    wrong = [channel for channel in channels if not (channel.isascii() and channel.isdigit())]
    if wrong or not channels:
        found = ", ".join(map(repr, wrong)) or "none"
        raise RequestError(f"Channels are numbers from 0; found {found}.", hint="Write 0,2,3.", field="channels")
    return tuple(map(int, channels))
