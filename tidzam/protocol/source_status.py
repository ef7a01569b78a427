"""The status of a source, and its transitions from one state to another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from tidzam.gaps.records import GapReason
from tidzam.gaps.totals import LastGap
from tidzam.protocol.live_streams import LiveStreamStatus
from tidzam.protocol.messages import Message
from tidzam.protocol.recordings import RecordingStatus, ReplayStatus
from tidzam.protocol.signals import ChannelSignal


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


class SourceOrigin(StrEnum):
    """Where a source comes from: the profile, or a client, which may have gone since if the source is permanent."""

    PROFILE = "profile"
    CLIENT = "client"


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
    origin: SourceOrigin = Field(SourceOrigin.CLIENT, description="Whether the profile has it, or a client loaded it")
    url: str = Field(description="Without credentials")
    is_url_complete: bool = Field(True, description="Whether `url` is all of the address, since it has no credentials")
    loop: bool = Field(False, description="A file is repeated endlessly")
    format: Literal["ogg", "copy"] = Field("ogg", description="See LoadSource")
    selected: tuple[str, ...] | None = Field(None, description="The channels that were asked for; null for all")
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
    recording: RecordingStatus | None = Field(None, description="Its recording; null if it cannot be recorded")
    signals: tuple[ChannelSignal, ...] = Field((), description="The health of the signal of each channel")
    replay: ReplayStatus | None = Field(None, description="What it plays of recordings; null if it plays no recordings")


class SourceList(Message):
    """The response to ListSources, under `sys`."""

    sources: tuple[SourceStatus, ...] = Field(description="All sources")


class SourceProbe(Message):
    """The response to ProbeSource, under `sys.probesource`: what was found at the address."""

    channels: int = Field(description="Number of its channels")
    rate_hz: int = Field(description="Its sample rate")
    duration_s: float | None = Field(description="Its length in seconds; null if it has no known end")
    is_live: bool = Field(description="It is heard as it happens, as a stream without a known end")
    url: str = Field(description="The address at which the audio is, without credentials, after playlists")


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
