"""The sources as the console shows them: those that the stream manager reports, and those of the profile. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from console.services.models import ConsoleModel
from tidzam.config import SourceSettings
from tidzam.naming import LIVE_SOURCE
from tidzam.protocol.recordings import RecordingState, RecordingStatus
from tidzam.protocol.source_status import SourceOrigin, SourceRemark, SourceState, SourceStatus
from tidzam.protocol.stream_manager import StreamManagerHealth
from tidzam.scrub import scrub_address


class ShownState(StrEnum):
    """The states of a source, and what else its state may be in the console."""

    LOADING = SourceState.LOADING.value
    PLAYING = SourceState.PLAYING.value
    SILENT = SourceState.SILENT.value
    WAITING = SourceState.WAITING.value
    ENDED = SourceState.ENDED.value
    FAILED = SourceState.FAILED.value
    UNLOADED = "unloaded"
    UNKNOWN = "unknown"


class SourceKind(StrEnum):
    """Where a source comes from.

    `profile`: the profile has it. `added`: a client added it, and it is loaded again after a restart. `guest`: a client
    loaded it for as long as the client is connected. `live`: the live streams of clients.
    """

    PROFILE = "profile"
    ADDED = "added"
    GUEST = "guest"
    LIVE = "live"


class SourceRecordingView(ConsoleModel):
    """The recording of a source."""

    is_on: bool = Field(description="Whether it is switched on")
    state: RecordingState = Field(description="What the recorder does at present")
    files: int = Field(description="Files completed since the stream manager started")
    problem: str | None = Field(description="Why it is paused or files are held back, and what to do")


class ManagedSource(ConsoleModel):
    """A source, and what can be done with it."""

    name: str = Field(description="Name of the source")
    kind: SourceKind = Field(description="Where it comes from")
    state: ShownState = Field(description="What it does; `unknown` while the stream manager is away")
    is_well: bool = Field(description="It plays, is not silent because of a fault, and all its outputs work")
    replaces_profile: bool = Field(description="It plays in place of the profile's source of this name")
    url: str = Field(description="Its address or file, without credentials; empty if it is generated or captured")
    is_url_complete: bool = Field(description="Whether that is all of the address: it has no credentials")
    loop: bool = Field(description="A file is repeated")
    format: Literal["ogg", "copy"] = Field(description="`copy`: passed on as it is, and not analyzed")
    selected: tuple[str, ...] | None = Field(description="The channels that were asked for; null for all")
    channels: tuple[str, ...] = Field(description="Names of its channels")
    rate_hz: int | None = Field(description="Its own sample rate")
    restarts: int = Field(description="How often it was started again")
    started: datetime | None = Field(description="When it began to play, UTC")
    gap_s: float = Field(description="Seconds without valid audio since it was loaded")
    problem: str | None = Field(description="What is wrong at present, and what to do")
    last_error: str | None = Field(description="Why it last failed, even if it has recovered")
    recording: SourceRecordingView | None = Field(description="Its recording; null if it cannot be recorded")

    @property
    def is_changeable(self) -> bool:
        """Whether the console can load it with other settings, remove it, or load it again."""
        return self.kind is not SourceKind.LIVE


class SourceOverview(ConsoleModel):
    """All sources."""

    is_known: bool = Field(description="Whether the stream manager answers; if not, only the profile is known")
    sources: tuple[ManagedSource, ...] = Field(description="The sources by name")


def source_overview(health: StreamManagerHealth | None, profile: Sequence[SourceSettings]) -> SourceOverview:
    """The sources that are reported, and those of the profile that are not loaded."""
    reported = {} if health is None else {source.name: _reported(source) for source in health.sources}
    state = ShownState.UNKNOWN if health is None else ShownState.UNLOADED
    missing = {one.name: _missing(one, state) for one in profile if one.name not in reported}
    found = {**missing, **reported}
    return SourceOverview(is_known=health is not None, sources=tuple(found[name] for name in sorted(found)))


def managed_source(status: SourceStatus) -> ManagedSource:
    """A source that the stream manager reports."""
    return _reported(status)


def _reported(source: SourceStatus) -> ManagedSource:
    recording = source.recording
    return ManagedSource(
        name=source.name,
        kind=_kind(source),
        state=ShownState(source.state.value),
        is_well=source.ok,
        replaces_profile=SourceRemark.REPLACED in source.remarks,
        url=source.url,
        is_url_complete=source.is_url_complete,
        loop=source.loop,
        format=source.format,
        selected=source.selected,
        channels=source.channel_names or tuple(map(str, range(source.channels))),
        rate_hz=source.rate_hz,
        restarts=source.restarts,
        started=source.started,
        gap_s=source.gap_s,
        problem=None if source.ok else source.last_error,
        last_error=source.last_error,
        recording=None if recording is None else _recording(recording),
    )


def _kind(source: SourceStatus) -> SourceKind:
    if source.name == LIVE_SOURCE:
        return SourceKind.LIVE
    if source.origin is SourceOrigin.PROFILE:
        return SourceKind.PROFILE
    return SourceKind.ADDED if source.is_permanent else SourceKind.GUEST


def _recording(recording: RecordingStatus) -> SourceRecordingView:
    problems = (recording.problem, recording.privacy_problem, recording.retention)
    return SourceRecordingView(
        is_on=recording.on,
        state=recording.state,
        files=recording.files,
        problem=" ".join(filter(None, problems)) or None,
    )


def _missing(source: SourceSettings, state: ShownState) -> ManagedSource:
    """A source of the profile that is not loaded, or of which nothing is known."""
    url = scrub_address(source.url or "")
    return ManagedSource(
        name=source.name,
        kind=SourceKind.PROFILE,
        state=state,
        is_well=False,
        replaces_profile=False,
        url=url,
        is_url_complete=url == (source.url or ""),
        loop=source.loop,
        format=source.format,
        selected=source.channels,
        channels=source.channel_names,
        rate_hz=None,
        restarts=0,
        started=None,
        gap_s=0.0,
        problem=None,
        last_error=None,
        recording=None,
    )
