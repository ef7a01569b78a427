"""What a node forwards to another one: where it is sent, and how clips are named there. Clips are uploaded by tus 1.0.

Source of the protocol: https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

RECORDS_PATH: Final = "/api/v1/forward/records"
"""Where records are posted: lines of JSON, compressed by gzip."""
TEST_PATH: Final = f"{RECORDS_PATH}?test=true"
"""The same, but nothing is stored: for examples."""
CLIPS_PATH: Final = "/api/v1/forward/clips"
"""Where uploads are created; each has an address below."""
TUS_VERSION: Final = "1.0.0"
CHUNK_TYPE: Final = "application/offset+octet-stream"
"""The media type of a part of an upload."""
CHECKSUM_MISMATCH: Final = 460
"""The status by which tus says that what has arrived is not what was sent."""
CLIP_SUFFIXES: Final = frozenset({".wav", ".flac", ".opus"})
_MOST_PARTS: Final = 4
_MOST_BYTES: Final = 200
_NODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def node_name(text: str) -> str:
    """`text`, if it names a node, and may name a folder. Raises ValueError."""
    if not _NODE.fullmatch(text) or text.startswith("."):
        raise ValueError("no name of a node")
    return text


def clip_name(text: str) -> str:
    """The name of a clip, relative to its folder, if it leads nowhere else. Raises ValueError with the reason.

    >>> clip_name("birds-wren/pond-out_0_2026-05-01-06-30-00.000.flac")
    'birds-wren/pond-out_0_2026-05-01-06-30-00.000.flac'
    """
    parts = text.split("/")
    if len(parts) > _MOST_PARTS or any(not part or part.startswith(".") for part in parts):
        raise ValueError("the name of a clip is a relative path of up to four parts, none of which begins with a point")
    if not text.isprintable() or "\\" in text or any(len(part.encode()) > _MOST_BYTES for part in parts):
        raise ValueError("the name of a clip has characters that are not allowed, or is too long")
    if PurePosixPath(text).suffix not in CLIP_SUFFIXES:
        raise ValueError(f"a clip is one of {', '.join(sorted(CLIP_SUFFIXES))}")
    return text


def forwarded_name(node: str, clip: str) -> str:
    """What the receiving node calls a clip of `node`: its path below the folder of forwarded clips."""
    return f"{node}/{clip}"


def encode_metadata(values: Mapping[str, str]) -> str:
    """The header `Upload-Metadata`: names and values in base64.

    >>> encode_metadata({"node": "garden", "filename": "a.wav"})
    'node Z2FyZGVu,filename YS53YXY='
    """
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def decode_metadata(text: str) -> dict[str, str]:
    """The inverse of `encode_metadata`. Raises ValueError."""
    values: dict[str, str] = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        name, _, value = pair.partition(" ")
        try:
            values[name] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError(f"the value of {name} is not base64 of UTF-8 text") from None
    return values
