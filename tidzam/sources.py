"""The names that sources, their JACK ports and their Icecast mounts go by. Every program agrees on them here."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SOURCE_NAME = r"^[A-Za-z0-9_.-]{1,64}$"


def reserved_name(name: str) -> bool:
    """Whether `name` is kept for Tidzam's own JACK clients."""
    return name.endswith("-ice") or name.startswith("tidzam")


def port_name(source: str, channel: int) -> str:
    """The JACK port of a channel, counted from 0."""
    return f"{source}:out_{channel}"


def mount_name(source: str, channel: int) -> str:
    """The Icecast mount of a channel, counted from 0."""
    return f"/{source}-out_{channel}.ogg"


def icecast_client(source: str) -> str:
    """The JACK client that carries a source to Icecast."""
    return f"{source}-ice"


def source_of(port: str) -> str:
    """The JACK client that a port belongs to: for a Tidzam port, the source."""
    return port.partition(":")[0]


def split_date(stem: str) -> tuple[str, datetime | None]:
    """`NAME-YYYY-MM-DD-HH-MM-SS`, with or without a fraction of a second, as NAME and UTC; None if there is no date."""
    found = re.fullmatch(r"(.+)-(\d{4}(?:-\d\d){5})(\.\d{1,6})?", stem)
    if found is None:
        return stem, None
    try:
        return found[1], datetime.strptime(found[2] + (found[3] or ".0"), "%Y-%m-%d-%H-%M-%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return stem, None
