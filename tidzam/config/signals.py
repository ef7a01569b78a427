"""The settings of test signals, which a source plays instead of an address or a file."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section

_CHANNELS = Field(1, ge=1, le=256, description="Number of channels")


class ToneSettings(Section):
    """A sine, the same on all channels."""

    frequency_hz: float = Field(440.0, gt=0, le=96000, description="Frequency in Hz, below half of `jack.rate_hz`")
    level_dbfs: float = Field(-20.0, ge=-120, le=0, description="Peak level in dB relative to full scale")
    channels: int = _CHANNELS


class NoiseSettings(Section):
    """White noise, independent on each channel."""

    level_dbfs: float = Field(-30.0, ge=-120, le=0, description="RMS level in dB relative to full scale")
    channels: int = _CHANNELS
    seed: int = Field(0, ge=0, description="Random seed; the same seed gives the same noise")


class SilenceSettings(Section):
    """Digital silence: samples of exactly zero."""

    channels: int = _CHANNELS
