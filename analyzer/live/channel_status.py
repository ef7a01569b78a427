"""The state of a channel by what its audio holds: the band of its source, which JACK may have narrowed. Pure."""

from __future__ import annotations

from analyzer.pipeline import Pipeline
from tidzam.protocol.channel_status import ChannelStatus
from tidzam.results import ChannelState


def channel_status(
    channel: str, pipeline: Pipeline, *, source_rate_hz: int | None, rate_hz: int | None, heard_s: float | None = None
) -> ChannelStatus:
    """The state of a channel, by the rate of its source and JACK's, and the time for which it has been captured; None
    where that is unknown."""
    known = [rate for rate in (source_rate_hz, rate_hz) if rate is not None]
    waiting = () if heard_s is None else pipeline.waiting_after(heard_s)
    if not known:
        return ChannelStatus(channel=channel, state=ChannelState.LISTENING, waiting=waiting)
    held_hz = min(known)
    return ChannelStatus(
        channel=channel,
        state=pipeline.channel_state(held_hz),
        source_rate_hz=source_rate_hz,
        left_out=pipeline.refused_by(held_hz),
        waiting=waiting,
        missing_band={name: round(share, 4) for name, share in pipeline.missing_band(held_hz).items()},
    )
