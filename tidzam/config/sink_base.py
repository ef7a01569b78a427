"""The base classes of the settings of sinks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from tidzam.config.section import Names, Section
from tidzam.naming import is_channel_number

ChangeKind = Literal["start", "update", "end"]


ArchiveUse = Literal["always", "if_chosen", "per_file", "never"]


class SinkSettings(Section):
    """The base class of every sink's settings. `type` is the name of the sink in the registry.

    `for_archives` says whether the sink receives the detections of archives: always, if it is chosen (since it
    reports what is heard at the moment), where each file is analyzed, or never (since it needs the windows themselves).
    """

    for_archives: ClassVar[ArchiveUse] = "always"

    type: str = Field(description="Name of the sink")


def _texts(value: object) -> object:
    """Channel numbers may be written as numbers."""
    items = [value] if isinstance(value, int) else value
    return tuple(str(item) for item in items) if isinstance(items, list | tuple) else items


def _ports(channels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"*:out_{channel}" if is_channel_number(channel) else channel for channel in channels)


Channels = Annotated[Names, BeforeValidator(_texts), AfterValidator(_ports)]
"""Channel numbers, or ports as globs or prefixes."""


class DetectionFilter(Section):
    """Which detections are meant, by class, channel and probability."""

    classes: Names = Field(
        ("*",), description="Classes: globs, or prefixes (`birds-`); a class includes those below it"
    )
    channels: Channels = Field(
        (), description="Channel numbers, or ports as globs or prefixes; all channels if not given"
    )
    min_probability: float = Field(0.0, ge=0, le=1, description="Detections with a lower peak probability are left out")


def is_web_address(url: str) -> bool:
    """Whether `url` is an http or https address without a user."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in url and parts.port != 0
    except ValueError:  # the port is not a number
        return False


class SpoolSettings(Section):
    """Where results wait on disk while a server is away."""

    spool: Path | None = Field(
        None, description="Folder in which results wait for the server; by default, one in `spool/` in the home"
    )
    spool_mb: float = Field(
        200.0,
        gt=0,
        description="Maximum size of the spool in MB, and of what the server refused; above it, the oldest is deleted",
    )
    timeout_s: float = Field(10.0, gt=0, description="Time allowed for one request")
