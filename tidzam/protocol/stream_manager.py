"""What the stream manager is asked and answers, on the event `sys`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from tidzam.errors import RequestError
from tidzam.protocol.messages import Message, Refusal, WireNames, WireTime, parse, quote, suggestion
from tidzam.sources import SOURCE_NAME, reserved_name

WireSourceName = Annotated[str, Field(pattern=SOURCE_NAME)]


class LoadSource(Message):
    """Load a source, in place of the one that has its name."""

    name: WireSourceName
    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        None, description="http, https, rtsp or icecast address, or a file under a media root"
    )
    database: str | None = Field(None, description="Recordings to play from, together with date")
    date: WireTime | None = None
    channels: WireNames | None = Field(None, description="Channel numbers from 0, in the order wanted; all if missing")
    is_permanent: bool = Field(False, description="Load again when it ends or fails")
    loop: bool = Field(False, description="Play a file over and over, without a break")
    format: Literal["ogg", "copy"] = "ogg"

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if reserved_name(name):
            raise ValueError("a source's name never ends in -ice nor begins with tidzam")
        return name


class UnloadSource(Message):
    """Unload a source."""

    name: WireSourceName


class ReleaseSource(Message):
    """`loadsource` with only a name: a permanent source goes back to its own address, any other is unloaded."""

    name: WireSourceName


class ListSources(Message):
    """Tell every source's status."""


class SourceState(StrEnum):
    """`waiting` comes back by itself; `ended` does not, nor does `failed` unless the source is permanent."""

    LOADING = "loading"
    PLAYING = "playing"
    WAITING = "waiting"
    ENDED = "ended"
    FAILED = "failed"


class SourceStatus(Message):
    """A source at one moment.

    `started` is when its sound began, `bytes` what its mounts were sent since they came up, `gaps` how often its
    sound broke off.
    """

    name: str
    state: SourceState
    url: str = Field(description="Without user and password")
    channels: int
    ports: tuple[str, ...]
    mounts: tuple[str, ...] = Field(description="Where to listen to each channel")
    restarts: int
    last_error: str | None
    started: datetime | None
    bytes: int
    gaps: int


class SourceList(Message):
    """The answer to ListSources, under `sys`."""

    sources: tuple[SourceStatus, ...]


class StreamManagerHealth(Message):
    """The `detail` of the stream manager's /healthz."""

    jack: bool
    rate_hz: int | None
    sources: tuple[SourceStatus, ...]


Request = LoadSource | UnloadSource | ReleaseSource | ListSources
LATER = ("database", "add_livestream", "del_livestream")

MESSAGES: Mapping[str, type[Message]] = {
    "refusal": Refusal,
    "sys/loadsource": LoadSource,
    "sys/unloadsource": UnloadSource,
    "sys/sources": ListSources,
    "sys/sources/response": SourceList,
    "healthz/detail": StreamManagerHealth,
}


def parse_request(data: Any) -> Request:
    """The request in `{"sys": {COMMAND: …}}`, or in `{COMMAND: …}` alone. Raises RequestError."""
    command, content = parse_command(data, ("loadsource", "unloadsource", "sources", *LATER))
    match command:
        case "loadsource" if isinstance(content, Mapping) and content.keys() == {"name"}:
            return parse(ReleaseSource, content)  # how the original prints the request to unload
        case "loadsource":
            return _playable(parse(LoadSource, content))
        case "unloadsource":
            return parse(UnloadSource, content)
        case "sources":
            return parse(ListSources, content or {})
        case _:
            raise _not_supported(command)


def parse_command(data: Any, known: tuple[str, ...]) -> tuple[str, Any]:
    """The one command in a `sys` request, and what it holds. Raises RequestError."""
    inner = data["sys"] if isinstance(data, Mapping) and "sys" in data else data
    if not isinstance(inner, Mapping) or len(inner) != 1:
        raise RequestError(
            f"A sys request holds one command, not {quote(inner)}.", hint=f"Commands are: {', '.join(known)}."
        )
    command, content = next(iter(inner.items()))
    if command not in known:
        raise RequestError(f"Unknown command {quote(command)}{suggestion(str(command), known)}.", field=str(command))
    return command, content


def _playable(request: LoadSource) -> LoadSource:
    for field in ("database", "date"):
        if getattr(request, field) is not None:
            raise _not_supported(field)
    if request.format == "copy":
        raise _not_supported("format", "copy")
    if request.url is None:
        raise RequestError("'url' is missing.", hint="Name an address, or a file under a media root.", field="url")
    return request


def _not_supported(field: str, value: str = "") -> RequestError:
    asked = f"{field} {value}".strip()
    return RequestError(f"{asked!r} is not supported yet.", hint="Load a url.", code="not_supported", field=field)
