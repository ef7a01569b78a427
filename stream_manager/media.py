"""From what a client names to what a player may open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stream_manager.address import parse_address
from tidzam.addresses import is_address
from tidzam.errors import RequestError
from tidzam.scrub import scrub_address


def playable(url: str, media_roots: Sequence[Path], *, trusted: bool) -> str:
    """The address or the absolute path to open.

    A path is looked for under `media_roots`, links followed; a `trusted` one, named in the profile, may be
    anywhere. Raises RequestError for a scheme that is not played and for a path outside the roots.
    """
    if is_address(url):
        return parse_address(url).url
    if trusted:
        return str(Path(url).expanduser().resolve())
    allowed = [found for root in media_roots if (found := (root / url).resolve()).is_relative_to(root.resolve())]
    if allowed:
        return str(next((found for found in allowed if found.exists()), allowed[0]))
    raise RequestError(f"{scrub_address(url)!r} is not under a media root.", hint=_roots_hint(media_roots), field="url")


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
