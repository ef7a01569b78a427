"""The names of sources, their JACK ports, Icecast mounts and recordings, on which all programs agree."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tidzam.text import shown

JACK_CLIENT_NAME: Final = 63
"""The maximum number of characters in the name of a JACK client; the limit for ports is not stricter."""
ICECAST_SUFFIX = "ice"
RECORDER_SUFFIX = "rec"
OUTPUT_SUFFIXES: Final = (ICECAST_SUFFIX, RECORDER_SUFFIX)
"""What follows `SOURCE-` in the names of the JACK clients of outputs. No source has a name that ends like one."""
SOURCE_NAME_LENGTH = JACK_CLIENT_NAME - max(len(f"-{suffix}") for suffix in OUTPUT_SUFFIXES)
"""The maximum number of characters in the name of a source: the clients of its outputs have longer names."""
SOURCE_NAME = rf"^[A-Za-z0-9_.-]{{1,{SOURCE_NAME_LENGTH}}}$"

PART_SUFFIX: Final = ".part"
"""Of a recording that is being written, which is hidden."""
HELD_SUFFIX: Final = ".held"
"""Of a complete recording that is hidden until speech in it is muted."""

LIVE_SOURCE: Final = "tidzam-livestreams"
"""The source of all live streams; each has one of its channels."""


def source_name(name: str) -> str:
    """`name`, if it is valid for a source. Raises ValueError with the reason if it is not."""
    if len(name) > SOURCE_NAME_LENGTH:
        raise ValueError(f"the name has {len(name)} characters, at most {SOURCE_NAME_LENGTH} are allowed")
    if not re.fullmatch(SOURCE_NAME, name):
        raise ValueError("a name may only contain letters, digits, '_', '.' and '-'")
    if not name.strip("."):
        raise ValueError("a name must not consist of dots only: files and folders are named after it")
    if reserved_name(name):
        endings = " or ".join(f"-{suffix}" for suffix in OUTPUT_SUFFIXES)
        raise ValueError(f"a name must not end in {endings} or begin with tidzam")
    return name


MAX_CHANNELS = 256


def is_channel_number(text: str) -> bool:
    """Whether `text` is the number of a channel, counted from 0."""
    return re.fullmatch("[0-9]{1,3}", text) is not None and int(text) < MAX_CHANNELS


def channel_number(text: str) -> int | None:
    """The channel that `3` or `out_3` designates, counted from 0; None if `text` is neither, or out of range."""
    number = text.removeprefix("out_")
    return int(number) if is_channel_number(number) else None


def channel_name(name: str) -> str:
    """`name`, if it is valid for a channel. Raises ValueError with the reason if it is not."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,63}", name):
        raise ValueError("a name of a channel begins with a letter and has up to 64 letters, digits, '_', '.' and '-'")
    if re.fullmatch(r"out_[0-9]+", name):
        raise ValueError("a channel cannot be named out_N: that is the name of its port")
    return name


def reserved_name(name: str) -> bool:
    """Whether `name` is reserved for Tidzam's own JACK clients."""
    return name.endswith(tuple(f"-{suffix}" for suffix in OUTPUT_SUFFIXES)) or name.startswith("tidzam")


def is_live_port(port: str) -> bool:
    """Whether `port` is the JACK port of a live stream."""
    return source_of(port) == LIVE_SOURCE and is_channel_number(port.removeprefix(f"{LIVE_SOURCE}:out_"))


def port_name(source: str, channel: int) -> str:
    """The JACK port of a channel, counted from 0."""
    return f"{source}:out_{channel}"


def is_channel_port(port: str) -> bool:
    """Whether `port` has the name of a channel of a source, `SOURCE:out_N`."""
    return re.fullmatch(r"[A-Za-z0-9_.-]{1,64}:out_[0-9]+", port) is not None


def mount_name(source: str, channel: int) -> str:
    """The Icecast mount of a channel, counted from 0."""
    return f"/{source}-out_{channel}.ogg"


def copied_mount_name(source: str) -> str:
    """The one Icecast mount of a source that is copied without decoding."""
    return f"/{source}.ogg"


def output_client(source: str, suffix: str) -> str:
    """The JACK client of an output of a source."""
    return f"{source}-{suffix}"


def output_port(source: str, suffix: str, channel: int) -> str:
    """The JACK port by which an output receives a channel, counted from 0."""
    return f"{output_client(source, suffix)}:input_{channel + 1}"


SESSION_CLIENT: Final = "tidzam-record"
"""What the JACK clients of `tidzam record` are called, before the number of the process."""
ANALYZER_CLIENT: Final = "tidzam-analyzer"
"""The JACK client of the analyzer's clock."""
_CAPTURE_CLIENT_LENGTH = 60


def capture_client(source: str) -> str:
    """The JACK client by which the analyzer captures a source."""
    return f"{ANALYZER_CLIENT}-{source}"[:_CAPTURE_CLIENT_LENGTH]


def source_of(port: str) -> str:
    """The JACK client that a port belongs to: for a Tidzam port, the source."""
    return port.partition(":")[0]


def recording_stem(source: str, time: datetime) -> str:
    """The file name, without suffix, of a recording of `source` that starts at `time`, in UTC: that of `split_date`."""
    return f"{source}-{time.astimezone(UTC):%Y-%m-%d-%H-%M-%S}"


@dataclass(frozen=True)
class ClipName:
    """The file name, without suffix, of a recording (`NAME-YYYY-MM-DD-HH-MM-SS`) or of a clip of one channel
    (`NAME-out_N_YYYY-MM-DD-HH-MM-SS.mmm`): its source, its channel (None: all of them), and its start in UTC."""

    source: str
    channel: int | None
    time: datetime


def parse_clip_name(path: Path) -> ClipName | None:
    """The parts of the name of a recording or a clip; None if there is no date in it.

    >>> name = parse_clip_name(Path("pond-out_2_2026-05-01-06-30-00.250.wav"))
    >>> name.source, name.channel, name.time.isoformat()
    ('pond', 2, '2026-05-01T06:30:00.250000+00:00')

    The date of a clip may also follow a hyphen. See also `recording_stem` and `clip_stem`, its inverses.
    """
    name, time = split_date(re.sub(r"(-out_\d+)_(?=\d{4}-)", r"\1-", path.stem))
    if time is None:
        return None
    found = re.fullmatch(r"(?P<source>.+)-out_(?P<channel>\d+)", name)
    return ClipName(name, None, time) if found is None else ClipName(found["source"], int(found["channel"]), time)


def clip_stem(port: str, time: datetime) -> str:
    """The file name, without suffix, of a clip of `port` that starts at `time` (UTC, cut to milliseconds).

    Of a source's port, `parse_clip_name` is the inverse. In the names of other ports and of recordings, all but letters
    and digits of any script, `_`, `.` and `-` becomes hyphens.
    """
    return f"{clip_name(port)}_{time.astimezone(UTC):%Y-%m-%d-%H-%M-%S}.{time.microsecond // 1000:03d}"


def clip_name(port: str) -> str:
    """The part of `clip_stem` that names the port."""
    return re.sub(r"[^\w.-]+", "-", port)


RECORDING_NAME_BYTES: Final = 160
"""The maximum length of the name of a recording: the names of its clips, with their date and suffixes, are longer."""


def recording_source(name: str) -> str:
    """`name`, the name of a recording, as the name of its source: Unicode of limited length, in composed form (NFC).

    Bytes that are not UTF-8, and control characters, are escaped.
    """
    return shortened(unicodedata.normalize("NFC", shown(name)), RECORDING_NAME_BYTES)


def shortened(name: str, max_bytes: int) -> str:
    """`name`, or if it is longer than `max_bytes`, its beginning and a digest: distinct names remain distinct."""
    raw = os.fsencode(name)
    if len(raw) <= max_bytes:
        return name
    digest = f"-{hashlib.sha256(raw).hexdigest()[:8]}"
    return raw[: max_bytes - len(digest)].decode(errors="ignore") + digest


def split_date(stem: str) -> tuple[str, datetime | None]:
    """`NAME-YYYY-MM-DD-HH-MM-SS`, with or without a fraction of a second, as NAME and UTC; None if there is no date."""
    found = re.fullmatch(r"(.+)-(\d{4}(?:-\d\d){5})(\.\d{1,6})?", stem)
    if found is None:
        return stem, None
    try:
        year, month, day, hour, minute, second = map(int, found[2].split("-"))  # far faster than strptime
        microsecond = int((found[3] or ".0")[1:].ljust(6, "0"))
        return found[1], datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except ValueError:
        return stem, None


def numbered(path: Path) -> Iterator[Path]:
    """`path`, and then the same with a number: `NAME-2.flac`, `NAME-3.flac` and so on.

    >>> [path.name for path in itertools.islice(numbered(Path("owl.flac")), 2)]
    ['owl.flac', 'owl-2.flac']
    """
    yield path
    for number in itertools.count(2):
        yield path.with_stem(f"{path.stem}-{number}")
