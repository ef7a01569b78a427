"""Resolves the `url` of a source to what a player may open."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

from stream_manager.network.address import parse_address
from tidzam.addresses import is_address
from tidzam.errors import RequestError
from tidzam.protocol.messages import quote
from tidzam.scrub import scrub_address


def resolve_media(url: str, media_roots: Sequence[Path], *, trusted: bool) -> str:
    """The address or the absolute path to open.

    A path is resolved under `media_roots`, following links; a `trusted` one, from the profile, may be anywhere.
    Raises RequestError for an unsupported scheme and for a path outside the roots.
    """
    if is_address(url):
        return parse_address(url).url
    try:
        if trusted:
            return str(Path(url).expanduser().resolve())
        allowed = [found for root in media_roots if (found := (root / url).resolve()).is_relative_to(root.resolve())]
        if allowed:
            chosen = next((found for found in allowed if found.exists()), allowed[0])
            _refuse_loop(chosen)
            return str(chosen)
    except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, a lone surrogate, or circular links
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        message = f"{quote(scrub_address(url))} cannot be opened as a file ({why})."
        raise RequestError(message, hint="Use a file under a media root, or an address.", field="url") from None
    raise RequestError(
        f"{quote(scrub_address(url))} is not under a media root.", hint=_roots_hint(media_roots), field="url"
    )


def _refuse_loop(path: Path) -> None:
    """Raises OSError if links in `path` form a loop, which `Path.resolve` does not detect from Python 3.13 on."""
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise


def _roots_hint(media_roots: Sequence[Path]) -> str:
    if not media_roots:
        return "No media root is configured: set stream_manager.media_roots in the profile."
    return f"The media roots are: {', '.join(map(str, media_roots))}."
