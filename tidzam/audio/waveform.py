"""What a network takes as input: the features of a window, or its waveform; and the band that it needs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tidzam.audio.features import FeatureSpec
from tidzam.errors import AudioError

MAX_SAMPLES: Final = 1 << 24
"""Samples in one window of a waveform: 64 MB."""


class WaveformSpec(BaseModel):
    """A network's input that is the waveform itself: samples in -1…1 at `rate_hz`, `window_s` long.

    `fmin_hz` and `fmax_hz` bound the band that the network uses. Equal specs share resampled windows.

    >>> WaveformSpec(rate_hz=48000, window_s=3.0, fmax_hz=15000).shape
    (144000,)

    See also `tidzam.audio.features.FeatureSpec`, the other kind of input.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rate_hz: int = Field(ge=100, le=768_000, description="Sample rate in Hz")
    window_s: float = Field(ge=0.001, le=600, allow_inf_nan=False, description="Length of a window in seconds")
    fmin_hz: float = Field(0.0, ge=0, allow_inf_nan=False, description="Lowest frequency that the network uses, in Hz")
    fmax_hz: float = Field(gt=0, allow_inf_nan=False, description="Highest frequency that the network uses, in Hz")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if not self.fmin_hz < self.fmax_hz <= self.rate_hz / 2:
            raise ValueError(
                f"a band of {self.fmin_hz:g} to {self.fmax_hz:g} Hz does not fit a rate of {self.rate_hz} Hz, "
                f"expected fmin_hz < fmax_hz <= {self.rate_hz / 2:g}"
            )
        if self.window_samples > MAX_SAMPLES:
            raise ValueError(f"a window of {self.window_samples} samples is too long, expected at most {MAX_SAMPLES}")
        return self

    @property
    def window_samples(self) -> int:
        """Samples in a window, at `rate_hz`."""
        return round(self.window_s * self.rate_hz)

    @property
    def shape(self) -> tuple[int]:
        """(samples,) of one window."""
        return (self.window_samples,)

    @property
    def silence(self) -> float:
        """The value that a silent window holds throughout."""
        return 0.0


InputSpec = FeatureSpec | WaveformSpec
"""The input of a network."""


def required_rate(spec: InputSpec) -> int:
    """The lowest sample rate, in Hz, at which audio holds the band that a network needs."""
    return min(spec.rate_hz, math.ceil(2 * spec.fmax_hz))


def missing_share(spec: InputSpec, rate_hz: int) -> float:
    """The share, 0 to 1, of the band that a network needs and that audio of a sample rate cannot hold.

    >>> missing_share(WaveformSpec(rate_hz=48000, window_s=3.0, fmax_hz=15000), 22050)
    0.265
    """
    missing = (spec.fmax_hz - rate_hz / 2) / (spec.fmax_hz - spec.fmin_hz)
    return min(1.0, max(0.0, missing))


def require_rate(rate_hz: int, specs: Iterable[InputSpec]) -> None:
    """Raises AudioError (`sample_rate`) if audio at `rate_hz` lacks the band that one of `specs` needs."""
    needed = max(map(required_rate, specs))
    if rate_hz < needed:
        raise AudioError(
            f"The sample rate is {rate_hz} Hz; the classifiers need {needed} Hz or more.",
            hint=f"Use audio of at least {needed} Hz (live: jack.rate_hz), or train classifiers for {rate_hz} Hz.",
            code="sample_rate",
        )
