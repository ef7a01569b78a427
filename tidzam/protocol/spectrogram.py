"""Spectrograms in messages: what channels hold at present, coarse enough to send while somebody looks."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import Field

from tidzam.protocol.messages import Message

BANDS: Final = 64
LOWEST_HZ: Final = 50.0
LOWEST_DB: Final = -100.0
HIGHEST_DB: Final = -20.0
UNKNOWN: Final = 0
"""The value of what was not heard, or is not shown."""


class ChannelSpectrogram(Message):
    """Columns of the spectrogram of one channel, each after the other, without a gap between them."""

    channel: str = Field(description="Port name")
    start: datetime = Field(description="Start of the first column, UTC")
    column_s: float = Field(gt=0, description="Length of a column in seconds, about 0.1")
    columns: str = Field(
        description="A byte per band and column in base64, the lowest band of the first column first. 1 is `lowest_db` "
        "or less, 255 is `highest_db` or more, linear in dB in between; 0 is what was not heard, or is withheld"
    )


class SpectrogramEvent(Message):
    """What was heard on channels since the event before.

    A value is the highest level in a mel band during a column, in dB re a full-scale sine. The bands are evenly spaced
    on the mel scale, mel = 2595 log10(1 + f / 700), between `lowest_hz` and `highest_hz`; they overlap by a half.
    """

    node: str = Field("", description="Name of the node")
    bands: int = Field(BANDS, ge=1, description="Number of bands")
    lowest_hz: float = Field(LOWEST_HZ, description="Lower edge of the lowest band")
    highest_hz: float = Field(description="Upper edge of the highest band: 12 kHz, or half of JACK's rate if less")
    lowest_db: float = Field(LOWEST_DB, description="The level of the value 1, in dB")
    highest_db: float = Field(HIGHEST_DB, description="The level of the value 255, in dB")
    channels: tuple[ChannelSpectrogram, ...] = Field(description="The channels with new columns")
