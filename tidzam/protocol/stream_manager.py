"""The stream manager's messages: the requests on the event `sys`, by their command, and the health of the program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from tidzam.protocol.live_streams import AUDIO_EVENT, AddLiveStream, Audio, DeleteLiveStream, LiveStreamAdded
from tidzam.protocol.messages import Message, Refusal, parse, parse_command
from tidzam.protocol.recordings import DatabaseList, ListDatabases
from tidzam.protocol.source_requests import (
    ListSources,
    ListTransitions,
    LoadSource,
    ProbeSource,
    ReleaseSource,
    SwitchRecording,
    UnloadSource,
    require_probeable,
    require_supported,
)
from tidzam.protocol.source_status import SourceList, SourceProbe, SourceStatus, TransitionList


class StreamManagerFault(Message):
    """A fault and its origin.

    Faults of `jack` and `icecast` are those of the servers. A fault of a `source` is never fixed by restarting a
    program: either the stream manager fixes it, or a person has to. Only a fault of the `stream_manager` itself is
    fixed by restarting it. (A stream manager that hangs does not answer at all.)
    """

    code: str = Field(description="What is wrong, for programs")
    origin: Literal["stream_manager", "jack", "icecast", "source"] = Field(description="What has to be repaired")
    source: str | None = Field(None, description="The source that is affected")
    message: str = Field(description="What is wrong, and what to do")


class StreamManagerHealth(Message):
    """The `detail` of /healthz. `faults` are the `reasons` of the response, in the same order."""

    jack: bool = Field(description="The JACK server and its cycles are running")
    icecast: bool = Field(False, description="The Icecast server answers")
    rate_hz: int | None = Field(description="Sample rate of JACK, while it is known")
    faults: tuple[StreamManagerFault, ...] = Field((), description="Current faults")
    sources: tuple[SourceStatus, ...] = Field(description="All sources")


Request = (
    LoadSource
    | ProbeSource
    | UnloadSource
    | ReleaseSource
    | SwitchRecording
    | ListSources
    | ListTransitions
    | ListDatabases
    | AddLiveStream
    | DeleteLiveStream
)
COMMANDS = (
    "loadsource",
    "probesource",
    "unloadsource",
    "record",
    "sources",
    "transitions",
    "database",
    "add_livestream",
    "del_livestream",
)

MESSAGES: Mapping[str, type[Message]] = {
    "refusal": Refusal,
    "sys/loadsource": LoadSource,
    "sys/probesource": ProbeSource,
    "sys/probesource/response": SourceProbe,
    "sys/unloadsource": UnloadSource,
    "sys/record": SwitchRecording,
    "sys/sources": ListSources,
    "sys/sources/response": SourceList,
    "sys/add_livestream": AddLiveStream,
    "sys/add_livestream/response": LiveStreamAdded,
    "sys/del_livestream": DeleteLiveStream,
    AUDIO_EVENT: Audio,
    "sys/transitions": ListTransitions,
    "sys/transitions/response": TransitionList,
    "sys/database": ListDatabases,
    "sys/database/response": DatabaseList,
    "healthz/detail": StreamManagerHealth,
}


def parse_request(data: Any) -> Request:
    """The request in `{"sys": {COMMAND: …}}`, or in `{COMMAND: …}` alone. Raises RequestError."""
    command, content = parse_command(data, COMMANDS)
    match command:
        case "loadsource" if isinstance(content, Mapping) and content.keys() == {"name"}:
            return parse(ReleaseSource, content)  # the request to unload, as Tidzam 2019 documents it
        case "loadsource":
            return require_supported(parse(LoadSource, content))
        case "probesource":
            return require_probeable(parse(ProbeSource, content))
        case "unloadsource":
            return parse(UnloadSource, content)
        case "record":
            return parse(SwitchRecording, content)
        case "sources":
            return parse(ListSources, content or {})
        case "add_livestream":
            return parse(AddLiveStream, content or {})
        case "del_livestream":
            return parse(DeleteLiveStream, content or {})
        case "transitions":
            return parse(ListTransitions, content)
        case _:
            return parse(ListDatabases, {"name": content} if isinstance(content, str) else content or {})


def reads_only(data: Any) -> bool:
    """Whether a `sys` request changes nothing, so that clients with only the right to listen may send it."""
    inner = data["sys"] if isinstance(data, Mapping) and "sys" in data else data
    return isinstance(inner, Mapping) and len(inner) == 1 and set(inner) <= {"sources", "transitions", "database"}
