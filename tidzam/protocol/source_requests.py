"""The requests about sources: to load and to unload them, to record them, and to list them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tidzam.config.channels import channel_selection
from tidzam.errors import RequestError
from tidzam.naming import SOURCE_NAME, source_name
from tidzam.protocol.messages import Message, WireNames, WireTime

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


class ProbeSource(Message):
    """Find out what a source would play, without loading it. The checks are those of LoadSource."""

    url: Annotated[str, Field(min_length=1, max_length=2048)] = Field(
        description="http, https, rtsp or icecast address, or a file under a media root"
    )
    channels: WireChannels | None = Field(None, description="The numbers of the channels to load; all by default")
    format: Literal["ogg", "copy"] = Field("ogg", description="See LoadSource")


class UnloadSource(Message):
    """Unload a source. If it replaced another one, that one is restored."""

    name: WireSourceName = Field(description="Name of the source")


class ReleaseSource(Message):
    """`loadsource` with a name alone: a permanent source plays its own address again; any other is unloaded."""

    name: WireSourceName = Field(description="Name of the source")


class SwitchRecording(Message):
    """Switch the recording of a source on or off. The state of the switch survives restarts.

    The settings `record` of the source in the profile determine where and how it is recorded; without them, those of
    `stream_manager.record` do.
    """

    name: WireSourceName = Field(description="Name of the source")
    on: bool = Field(description="Whether it is recorded")


class ListSources(Message):
    """List the status of every source."""


class ListTransitions(Message):
    """List the last 100 transitions of a source from one state to another, the oldest first."""

    name: WireSourceName = Field(description="Name of the source")


def require_probeable(request: ProbeSource) -> ProbeSource:
    """`request` itself. Raises RequestError if its fields cannot be combined."""
    _require_copyable(request)
    return request


def _require_copyable(request: LoadSource | ProbeSource) -> None:
    if request.format == "copy" and request.channels is not None:
        message = "The format copy takes all channels, as they are encoded."
        raise RequestError(message, hint="Remove 'channels', or use the format ogg.", field="channels")


def require_supported(request: LoadSource) -> LoadSource:
    """`request` itself. Raises RequestError if its fields cannot be combined."""
    _require_copyable(request)
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
