"""Playlists (M3U, PLS, XSPF): detection, and the addresses in them. Pure.

HLS uses the syntax of M3U, but is a segmented stream, which players read themselves.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree

from stream_manager.network.address import parse_address
from tidzam.addresses import is_address
from tidzam.errors import RequestError

MAX_BYTES = 65536
MAX_ENTRIES = 3
"""The maximum number of entries that are tried."""
MAX_HLS_ADDRESSES = 16
"""The maximum number of lists and hosts of HLS that are checked."""

_ENDINGS = (".m3u", ".m3u8", ".pls", ".xspf")
_OTHER_ENDINGS = (".asx", ".wax", ".ram", ".smil")
"""Those of playlists that are not followed."""
_TYPES = re.compile(r"(?:audio|application)/(?:x-|vnd\.apple\.)?(?:mpegurl|scpls|pls\+xml|xspf\+xml)", re.IGNORECASE)
_PLS_ENTRY = re.compile(r"(?im)^\s*file(\d{1,6})\s*=\s*(.*?)\s*$")


def has_playlist_name(address: str) -> bool:
    """Whether the path of `address` ends as that of a playlist does."""
    return urlsplit(address).path.lower().endswith(_ENDINGS)


def may_be_playlist(media: str) -> bool:
    """Whether `media`, an address or a file, has the name of a playlist, whether it can be followed or not."""
    path = urlsplit(media).path if is_address(media) else media
    return path.lower().endswith((*_ENDINGS, *_OTHER_ENDINGS))


def entries(content: bytes, *, address: str, content_type: str = "") -> tuple[str, ...] | None:
    """The addresses in a playlist from `address` that may be opened; None if it is not a playlist, or if it is HLS.

    Entries are read relative to `address`, so that none is a file of this machine.
    """
    text = _decode(content)
    if text is None or "#EXT-X-" in text:
        return None
    begin = text.lstrip().lower()
    if begin.startswith("[playlist]"):
        found = [entry for _, entry in sorted((int(number), entry) for number, entry in _PLS_ENTRY.findall(text))]
    elif begin.startswith("<") and "<playlist" in begin:
        found = _xspf(text)
    elif begin.startswith("<"):
        return None  # a web page, whatever its name
    elif begin.startswith("#extm3u") or _TYPES.match(content_type) or has_playlist_name(address):
        found = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip() and not line.startswith("#")]
    else:
        return None
    playable = filter(None, (_playable(entry, address) for entry in found))
    return tuple(dict.fromkeys(playable))[:MAX_ENTRIES]


def hls_addresses(content: bytes, *, address: str) -> tuple[str, ...] | None:
    """The addresses in HLS from `address`: every list, and one segment or key per host. Empty if it is not HLS.

    None if a player would open further addresses that cannot be listed here: DASH, SDP, HLS that is too long.
    """
    begin = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"<MPD" in content or (begin.startswith(b"v=0") and b"m=" in begin):
        return None
    if not begin.startswith(b"#EXTM3U") or (b"#EXT-X-" not in content and b"\0" not in content):
        return ()
    if b"\0" in content or len(content) >= MAX_BYTES:
        return None
    lines = [line.strip() for line in re.split(r"[\r\n]+", content.decode("utf-8", "replace"))]
    named = [line for line in lines if line and not line.startswith("#")]
    named += [found for line in lines if line.startswith("#") for found in re.findall(r'(?i)URI="?([^",]*)', line)]
    chosen: dict[str, str] = {}
    for one in (urljoin(address, name) for name in named):
        chosen.setdefault(one if has_playlist_name(one) else one.partition("://")[2].partition("/")[0], one)
    return tuple(chosen.values()) if len(chosen) <= MAX_HLS_ADDRESSES else None


def _decode(content: bytes) -> str | None:
    """Text in UTF-8 or Windows-1252; None for content that is not text."""
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _xspf(text: str) -> list[str]:
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL):
        return []  # a document type could define entities, and no playlist needs one
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return []
    return [(node.text or "").strip() for node in tree.iter() if node.tag.rpartition("}")[2] == "location"]


def _playable(entry: str, base: str) -> str | None:
    """The address that a player opens for `entry`; None if it may not be opened."""
    try:
        joined = urljoin(base, entry)
        return parse_address(joined).url if is_address(joined) else None
    except (ValueError, RequestError):
        return None
