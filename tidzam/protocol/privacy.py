"""Speech in messages: where a person speaks, and what was not kept because of it. They hold no audio."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from tidzam.protocol.messages import Message
from tidzam.results import WindowBatch
from tidzam.speech_times import Judgment, SpeechStatement


class ChannelSpeech(Message):
    """What a speech detector found on a channel between two times; it found no other speech there."""

    channel: str = Field(description="Port name")
    start: datetime = Field(description="From when on, UTC; what was reported before ends there, unless audio was lost")
    end: datetime = Field(description="Until when, UTC")
    speech: tuple[tuple[datetime, datetime], ...] = Field((), description="Start and end of each speech within it, UTC")


class SpeechEvent(Message):
    """What a speech detector has found since the last event."""

    node: str = Field("", description="Name of the node")
    channels: tuple[ChannelSpeech, ...] = Field(description="The channels that were judged")


class ChannelPrivacy(Message):
    """Speech on a channel since the start, and what was not kept because of it."""

    channel: str = Field(description="Port name")
    speech_s: float = Field(description="Seconds in which a person spoke, without the margin")
    dropped_clips: int = Field(description="Clips that were not kept")
    muted_clips: int = Field(description="Clips that were kept with silence in place of speech")


class PrivacyStatus(Message):
    """What is not kept where a person speaks (`analyzer.privacy`)."""

    detector: str = Field(description="What detects speech")
    action: Literal["drop", "mute"] = Field(description="What happens to clips with speech")
    margin_s: float = Field(description="Seconds before and after speech that are treated like speech")
    scope: Literal["source", "channel"] = Field(description="Which channels speech concerns")
    channels: tuple[ChannelPrivacy, ...] = Field((), description="The channels that were judged since the start")

    @property
    def remark(self) -> str:
        """A sentence that says that privacy is active, and how much it has cost so far."""
        speech_s = sum(channel.speech_s for channel in self.channels)
        dropped = sum(channel.dropped_clips for channel in self.channels)
        muted = sum(channel.muted_clips for channel in self.channels)
        return (
            f"Privacy is active ({self.detector}): {speech_s:.0f} s of speech on all channels, "
            f"{dropped} clips dropped, {muted} muted."
        )


def speech_event(batch: WindowBatch, statement: SpeechStatement, *, node: str) -> SpeechEvent:
    """The event of a batch. A channel that has disappeared is left out: its clock is not known any more."""
    starts = dict(zip(batch.channels, batch.starts, strict=True))

    def time_of(channel: str, frame: int) -> datetime:
        return starts[channel] + timedelta(seconds=(frame - batch.start_frame) / batch.rate_hz)

    def reported(one: Judgment) -> ChannelSpeech:
        return ChannelSpeech(
            channel=one.channel,
            start=time_of(one.channel, one.start),
            end=time_of(one.channel, one.end),
            speech=tuple((time_of(one.channel, first), time_of(one.channel, last)) for first, last in one.speech),
        )

    found = (one for one in statement.fresh if one.channel in starts and one.end > one.start)
    return SpeechEvent(node=node, channels=tuple(map(reported, found)))
