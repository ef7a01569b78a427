"""The health of the signal of a channel, as the stream manager reports it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from tidzam.protocol.messages import Message


class SignalState(StrEnum):
    """The health of a channel's signal, judged by its content over the last `stream_manager.signal.after_s`.

    `unknown` until then. `digital_silence`: only samples of exactly zero. `stuck`: the same short piece of audio again
    and again. `quasi_silence`: never louder than `quiet_dbfs`. `clipping`: too many samples at full scale. `hum`:
    little but a constant hum of the mains. `narrow_band`: nothing above `min_bandwidth_hz`. Where several are true, the
    first of these is reported.
    """

    UNKNOWN = "unknown"
    WELL = "well"
    DIGITAL_SILENCE = "digital_silence"
    STUCK = "stuck"
    QUASI_SILENCE = "quasi_silence"
    CLIPPING = "clipping"
    HUM = "hum"
    NARROW_BAND = "narrow_band"


class ChannelSignal(Message):
    """The health of the signal of one channel."""

    port: str = Field(description="The JACK port")
    state: SignalState = Field(description="What its signal is like")
    level_dbfs: float | None = Field(
        None, description="That of the last examination, relative to a full-scale sine; -200 is digital silence"
    )
    bandwidth_hz: float | None = Field(
        None, description="The highest frequency with content; null if the signal is too quiet to measure it"
    )
