"""The stream manager's messages: requests on the event `sys`, their responses, the status of sources, and health."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tidzam.config.channels import channel_selection
from tidzam.errors import RequestError
from tidzam.gaps.records import GapReason
from tidzam.gaps.totals import LastGap
from tidzam.naming import SOURCE_NAME, source_name
from tidzam.protocol.live_streams import (
    AUDIO_EVENT,
    AddLiveStream,
    Audio,
    DeleteLiveStream,
    LiveStreamAdded,
    LiveStreamStatus,
)
from tidzam.protocol.messages import Message, Refusal, WireNames, WireTime, parse, quote, suggestion
from tidzam.protocol.recordings import DatabaseList, ListDatabases, ReplayStatus
from tidzam.protocol.signals import ChannelSignal

WireSourceName = Annotated[str, Field(json_schema_extra={"pattern": SOURCE_NAME}), AfterValidator(source_name)]
WireChannels = Annotated[WireNames, AfterValidator(channel_selection)]
_EMPTY_IS_NONE = BeforeValidator(lambda value: None if value == "" else value)
"""Clients of Tidzam 2019 send fields that they do not use as empty texts."""


class LoadSource(Message):
    """Load a source, in place of any other with the same name.

    A source that is not permanent is unloaded when the client that loaded it disconnects.
    """

    name: WireSourceName = Field(description="Name of the source")
    url: Annotated[str, Field(min_length=1, max_length=2048)] | None = Field(
        None, description="http, https, rtsp or icecast address, or a file under a media root"
    )
    database: Annotated[WireSourceName | None, _EMPTY_IS_NONE] = Field(
        None, description="Source of the profile whose recordings are played from `date`; by default `name`"
    )
    date: Annotated[WireTime | None, _EMPTY_IS_NONE] = Field(
        None,
        description="Time at which to begin in the recordings. After the newest one, and if it is in the future, the "
        "live address is played: `url`, or else that of the source `database`",
    )
    channels: WireChannels | None = Field(
        None,
        description="The channels to load, in that order: numbers from 0 (2 or out_2), or names that the profile gives "
        "the channels of this source; all by default",
    )
    is_permanent: bool = Field(False, description="Load it again when it ends or fails")
    loop: bool = Field(False, description="Repeat a file endlessly, without gaps")
    format: Literal["ogg", "copy"] = Field(
        "ogg",
        description="`ogg`: each channel is a JACK port and an encoded mount; `copy`: the stream is pushed as it is to "
        "the one mount /NAME.ogg, without JACK",
    )


class UnloadSource(Message):
    """Unload a source. If it replaced another one, that one is restored."""

    name: WireSourceName = Field(description="Name of the source")


class ReleaseSource(Message):
    """`loadsource` with a name alone: a permanent source plays its own address again; any other is unloaded."""

    name: WireSourceName = Field(description="Name of the source")


class SwitchRecording(Message):
    """Switch the recording of a source on or off. The state of the switch survives restarts.

    The settings `record` in the profile determine where and how it is recorded.
    """

    name: WireSourceName = Field(description="Name of the source")
    on: bool = Field(description="Whether it is recorded")


class ListSources(Message):
    """List the status of every source."""


class ListTransitions(Message):
    """List the last 100 transitions of a source from one state to another, the oldest first."""

    name: WireSourceName = Field(description="Name of the source")


class SourceState(StrEnum):
    """A `waiting` source is retried; an `ended` one is not, and a `failed` one only if it is permanent.

    A `silent` source plays, but all its channels have been digitally silent (samples of exactly zero) for
    `stream_manager.silent_after_s`.
    """

    LOADING = "loading"
    PLAYING = "playing"
    SILENT = "silent"
    WAITING = "waiting"
    ENDED = "ended"
    FAILED = "failed"

    @property
    def predicate(self) -> str:
        """What completes a sentence that begins with the source, such as "is waiting"."""
        return f"has {self.value}" if self in (SourceState.ENDED, SourceState.FAILED) else f"is {self.value}"


class SourceRemark(StrEnum):
    """Information about a source that is not a fault of the node.

    `low_sample_rate`: its own sample rate is below that of JACK, so it has no content above `band_hz`. `replaced`: it
    plays in place of the profile's source of the same name, which is restored when this one ends or is unloaded.
    `reached_present`: it has replayed recordings up to the newest one, and now plays its live address.
    """

    LOW_SAMPLE_RATE = "low_sample_rate"
    REPLACED = "replaced"
    REACHED_PRESENT = "reached_present"


class RecordingState(StrEnum):
    """A recording is `waiting` while the source sends no audio, and `paused` because of a fault, such as a full disk.

    It is `starting` until the recorder has reported its state, and `off` if it is switched off.
    """

    OFF = "off"
    STARTING = "starting"
    WAITING = "waiting"
    RECORDING = "recording"
    PAUSED = "paused"


class RecordingStatus(Message):
    """The recording of a source. Numbers count from the start of the stream manager."""

    on: bool = Field(description="Whether it is switched on")
    state: RecordingState = Field(description="What the recorder does at present")
    folder: str = Field(description="Folder of the recordings")
    files: int = Field(description="Complete files")
    bytes: int = Field(description="Size of what was recorded, including the file in progress")
    seconds: float = Field(description="Length of what was recorded in seconds, including the file in progress")
    lost_seconds: float = Field(description="Seconds of audio that could not be recorded")
    failures: int = Field(description="How often recording was interrupted or a file could not be completed")
    last_file: str | None = Field(description="The file that was completed last")
    problem: str | None = Field(description="Why it is paused, and what to do")


class GapStatus(Message):
    """An interval in which a source had no valid audio."""

    reason: GapReason = Field(description="Why it had none")
    start: datetime = Field(description="When it began, UTC")
    end: datetime | None = Field(None, description="When it ended, UTC; null while it lasts")

    @classmethod
    def of(cls, gap: LastGap | None) -> GapStatus | None:
        """The message for a gap, if there is one."""
        return None if gap is None else cls(reason=gap.reason, start=gap.start, end=gap.end)


class SourceStatus(Message):
    """The current status of a source.

    `started` is when it began to play, `bytes` the audio data that its outputs have delivered since they were created,
    `gaps` how often its audio was interrupted. `last_error` and `code` remain after the source has recovered; `ok` does
    not depend on them.
    """

    name: str = Field(description="Name of the source")
    state: SourceState = Field(description="What it does at present")
    ok: bool = Field(False, description="It plays, is not silent because of a fault, and all its outputs work")
    is_permanent: bool = Field(False, description="It is loaded again when it ends or fails")
    url: str = Field(description="Without credentials")
    channels: int = Field(description="Number of its channels; 0 until it is known")
    ports: tuple[str, ...] = Field(description="The JACK port of each channel")
    channel_names: tuple[str, ...] = Field(
        (), description="The channel of each port: its name in the profile, or number"
    )
    mounts: tuple[str, ...] = Field(description="The address to listen at, per channel")
    restarts: int = Field(description="How often it was started again")
    last_error: str | None = Field(description="Why it last failed or was refused, and what to do")
    code: str | None = Field(None, description="The code of last_error")
    started: datetime | None = Field(description="When it began to play, UTC")
    bytes: int = Field(description="Audio data sent to its mounts since they were created")
    gaps: int = Field(description="How often its audio was interrupted")
    underruns: int = Field(0, description="How often audio did not reach its player in time; a part of gaps")
    overruns: int = Field(
        0, description="How often more live audio arrived than the buffer holds, so that its server had to wait"
    )
    drift_ppm: float | None = Field(
        None,
        description="By how much the clock of a live source is faster than that of JACK (negative: slower), in parts "
        "per million; null where it is not measured",
    )
    gap_s: float = Field(
        0.0,
        description="Seconds without valid audio since it was loaded, the time until it first played included; "
        "overlapping gaps are counted once",
    )
    gap_s_by_reason: Mapping[GapReason, float] = Field({}, description="Seconds without valid audio, by their reason")
    last_gap: GapStatus | None = Field(None, description="The last interval without valid audio")
    rate_hz: int | None = Field(
        None, description="The sample rate of the source itself, before resampling to that of JACK"
    )
    band_hz: int | None = Field(None, description="The highest frequency it can contain: half of the lower sample rate")
    remarks: tuple[SourceRemark, ...] = Field((), description="What is notable about it")
    live_streams: tuple[LiveStreamStatus, ...] = Field((), description="The streams of `tidzam-livestreams`")
    recording: RecordingStatus | None = Field(None, description="Its recording; null if the profile has none")
    signals: tuple[ChannelSignal, ...] = Field((), description="The health of the signal of each channel")
    replay: ReplayStatus | None = Field(None, description="What it plays of recordings; null if it plays no recordings")


class SourceList(Message):
    """The response to ListSources, under `sys`."""

    sources: tuple[SourceStatus, ...] = Field(description="All sources")


class TransitionRecord(Message):
    """A source went from the state `before` to `after` at `time` (UTC) because of `event`."""

    time: datetime = Field(description="When, in UTC")
    before: SourceState = Field(description="The state that it left")
    event: str = Field(
        description="started, silence_began, silence_ended, ended, continued, failed, jack_lost or retry_due"
    )
    after: SourceState = Field(description="The state that it has reached")
    code: str | None = Field(None, description="The code of `reason`")
    reason: str | None = Field(None, description="What was wrong, and what to do")
    retry_in_s: float | None = Field(None, description="Seconds until the next attempt; none if there will be none")


class TransitionList(Message):
    """The response to ListTransitions, under `sys.transitions`."""

    name: str = Field(description="The source")
    count: int = Field(description="The number of all its transitions since it was loaded")
    transitions: tuple[TransitionRecord, ...] = Field(description="The last 100, the oldest first")


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


_MAX_COMMAND_LENGTH = 64

Request = (
    LoadSource
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
            return _supported(parse(LoadSource, content))
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


def parse_command(data: Any, known: tuple[str, ...]) -> tuple[str, Any]:
    """The command in a `sys` request, and its content. Raises RequestError."""
    inner = data["sys"] if isinstance(data, Mapping) and "sys" in data else data
    if not isinstance(inner, Mapping) or len(inner) != 1:
        raise RequestError(
            f"A sys request must contain exactly one command; found {quote(inner)}.",
            hint=f"The commands are: {', '.join(known)}.",
        )
    command, content = next(iter(inner.items()))
    if command not in known:
        name = str(command)[:_MAX_COMMAND_LENGTH]
        raise RequestError(f"Unknown command {quote(command)}{suggestion(name, known)}.", field=ascii(name)[1:-1])
    return command, content


def _supported(request: LoadSource) -> LoadSource:
    if request.format == "copy" and request.channels is not None:
        message = "The format copy takes all channels, as they are encoded."
        raise RequestError(message, hint="Remove 'channels', or use the format ogg.", field="channels")
    if request.format == "copy" and request.url is None:
        raise RequestError("The format copy needs a 'url'.", hint="Add one, or use the format ogg.", field="url")
    if request.format == "copy" and request.date is not None:
        message = "Recordings are decoded and cannot be copied."
        raise RequestError(message, hint="Remove 'date', or use the format ogg.", field="date")
    if request.url is None and request.database is None and request.date is None:
        raise RequestError(
            "'url' is missing.", hint="Add an address, a file under a media root, or a date.", field="url"
        )
    return request
