"""Live streams: audio that clients send over Socket.IO, and the requests and states that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import Field, field_validator

from tidzam.protocol.messages import Message, parse

AUDIO_EVENT: Final = "audio"
DEFAULT_RATE_HZ: Final = 44100
LOWEST_RATE_HZ: Final = 8000
HIGHEST_RATE_HZ: Final = 192000


class Audio(Message):
    """Audio of a live stream, mono; the first packet begins the stream.

    The data may also be the bytes of `buffer` alone.
    """

    buffer: bytes = Field(strict=True, description="16-bit PCM in little-endian order")
    samplerate: int = Field(
        DEFAULT_RATE_HZ, ge=LOWEST_RATE_HZ, le=HIGHEST_RATE_HZ, description="Sample rate in Hz; it may change"
    )
    storage: bool = Field(False, description="Keep this audio in a recording")

    @field_validator("buffer")
    @classmethod
    def _whole_samples(cls, buffer: bytes) -> bytes:
        if len(buffer) % 2:
            raise ValueError(f"{len(buffer)} bytes are not a whole number of 16-bit samples")
        return buffer


class AddLiveStream(Message):
    """Begin a live stream, if this client has none, and return its port."""


class DeleteLiveStream(Message):
    """End the live stream of this client. Its port is free within a second."""


class LiveStreamAdded(Message):
    """The response to AddLiveStream, under `sys`."""

    portname: str = Field(description="The JACK port, by which the results name the channel")
    mounts: tuple[str, ...] = Field(description="The addresses to listen at")
    rate_hz: int | None = Field(description="The sample rate of JACK, to which the stream is resampled")


class LiveStreamStatus(Message):
    """The current status of a live stream."""

    port: str = Field(description="The JACK port")
    plays: bool = Field(description="Its audio is being played, rather than silence until enough of it has arrived")
    rate_hz: int = Field(description="Sample rate of the client")
    started: datetime = Field(description="When it began")
    buffered_s: float = Field(description="Seconds of audio that wait to be played")
    received_s: float = Field(description="Seconds of audio received since it began")
    gaps: int = Field(description="How often too little audio had arrived")
    gap_s: float = Field(description="Seconds of silence that were played meanwhile")
    dropped_s: float = Field(
        description="Seconds of audio that were dropped because the client sent more than can be buffered"
    )
    drift_ppm: float | None = Field(
        description="By how much the client's clock is faster than that of JACK; null while it is not known"
    )
    recording: str | None = Field(None, description="Name of the file that its audio is being recorded to")


def parse_audio(data: Any) -> Audio:
    """The content of the event `audio`. Raises RequestError."""
    return parse(Audio, data if isinstance(data, Mapping) else {"buffer": data})
