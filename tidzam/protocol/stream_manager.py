"""What the stream manager is asked and answers, on the event `sys`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tidzam.errors import RequestError
from tidzam.naming import MOST_CHANNELS, SOURCE_NAME, is_channel_number, source_name
from tidzam.protocol.messages import Message, Refusal, WireNames, WireTime, parse, quote, suggestion

WireSourceName = Annotated[str, Field(json_schema_extra={"pattern": SOURCE_NAME}), AfterValidator(source_name)]


def _channel_numbers(channels: tuple[str, ...]) -> tuple[str, ...]:
    if not channels or not all(map(is_channel_number, channels)):
        raise ValueError(f"channels are numbers from 0 to {MOST_CHANNELS - 1}, for example 0,2,3")
    return channels


WireChannels = Annotated[WireNames, AfterValidator(_channel_numbers)]


class LoadSource(Message):
    """Load a source, in place of the one that has its name."""

    name: WireSourceName
    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        None, description="http, https, rtsp or icecast address, or a file under a media root"
    )
    database: Annotated[str, Field(max_length=256)] | None = Field(
        None, description="Recordings to play from, together with date"
    )
    date: WireTime | None = None
    channels: WireChannels | None = Field(
        None, description="Channel numbers from 0 to 255, in the order wanted; all if missing"
    )
    is_permanent: bool = Field(False, description="Load again when it ends or fails")
    loop: bool = Field(False, description="Play a file over and over, without a break")
    format: Literal["ogg", "copy"] = "ogg"


class UnloadSource(Message):
    """Unload a source."""

    name: WireSourceName


class ReleaseSource(Message):
    """`loadsource` with only a name: a permanent source goes back to its own address, any other is unloaded."""

    name: WireSourceName


class ListSources(Message):
    """Tell every source's status."""


class SourceState(StrEnum):
    """`waiting` comes back by itself; `ended` does not, nor does `failed` unless the source is permanent.

    `silent` plays, but all its channels have been digital silence (samples of exactly zero) for
    `stream_manager.silent_after_s`.
    """

    LOADING = "loading"
    PLAYING = "playing"
    SILENT = "silent"
    WAITING = "waiting"
    ENDED = "ended"
    FAILED = "failed"


class SourceRemark(StrEnum):
    """What is worth knowing about a source although nothing is wrong with the node.

    `narrow_band`: its own sample rate is below JACK's, so it has no content above `band_hz`. `replaced`: it plays in
    place of the profile's source of the same name, which returns when this one ends or is unloaded.
    """

    NARROW_BAND = "narrow_band"
    REPLACED = "replaced"


class SourceStatus(Message):
    """A source at one moment.

    `started` is when its sound began, `bytes` what its mounts were sent since they came up, `gaps` how often its
    sound broke off. `last_error` and `code` stay after the source has recovered; `ok` is about this moment.
    """

    name: str
    state: SourceState
    ok: bool = Field(False, description="It plays, is not silent without reason, and all its mounts are served")
    is_permanent: bool = Field(False, description="It is loaded again when it ends or fails")
    url: str = Field(description="Without user and password")
    channels: int
    ports: tuple[str, ...]
    mounts: tuple[str, ...] = Field(description="Where to listen to each channel")
    restarts: int
    last_error: str | None = Field(description="Why it last failed, or was refused, and what to do")
    code: str | None = Field(None, description="The code of last_error")
    started: datetime | None
    bytes: int
    gaps: int
    rate_hz: int | None = Field(None, description="The source's own sample rate, before it is resampled to JACK's")
    band_hz: int | None = Field(None, description="The highest frequency that it can contain: half of the lower rate")
    remarks: tuple[SourceRemark, ...] = ()


class SourceList(Message):
    """The answer to ListSources, under `sys`."""

    sources: tuple[SourceStatus, ...]


class StreamManagerFault(Message):
    """Something that is wrong, and where. `origin` says what could be restarted to repair it.

    A fault of `jack` or `icecast` is a fault of that server. A fault of a `source` is never repaired by a restart of a
    program: either the stream manager repairs it, or a person has to. Only a fault of the `stream_manager` itself is
    repaired by restarting it. (A stream manager that hangs does not answer at all.)
    """

    code: str
    origin: Literal["stream_manager", "jack", "icecast", "source"]
    source: str | None = Field(None, description="The source that it is about")
    message: str = Field(description="What is wrong, and what to do")


class StreamManagerHealth(Message):
    """The `detail` of the stream manager's /healthz. `faults` are the response's reasons, in the same order."""

    jack: bool = Field(description="JACK is running, and so are its cycles")
    icecast: bool = False
    rate_hz: int | None
    faults: tuple[StreamManagerFault, ...] = ()
    sources: tuple[SourceStatus, ...]


_LONGEST_COMMAND = 64

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


def reads_only(data: Any) -> bool:
    """Whether a `sys` request certainly changes nothing, so that clients that may only listen may send it."""
    inner = data["sys"] if isinstance(data, Mapping) and "sys" in data else data
    return isinstance(inner, Mapping) and len(inner) == 1 and set(inner) <= {"sources", "database"}


def parse_command(data: Any, known: tuple[str, ...]) -> tuple[str, Any]:
    """The one command in a `sys` request, and what it holds. Raises RequestError."""
    inner = data["sys"] if isinstance(data, Mapping) and "sys" in data else data
    if not isinstance(inner, Mapping) or len(inner) != 1:
        raise RequestError(
            f"A sys request holds one command, not {quote(inner)}.", hint=f"Commands are: {', '.join(known)}."
        )
    command, content = next(iter(inner.items()))
    if command not in known:
        name = str(command)[:_LONGEST_COMMAND]
        raise RequestError(f"Unknown command {quote(command)}{suggestion(name, known)}.", field=ascii(name)[1:-1])
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
