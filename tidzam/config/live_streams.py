"""Settings of live streams, which clients send over Socket.IO."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from tidzam.config.section import Section


class LiveStreamSettings(Section):
    """The live streams of clients. Their number is `live_ports`."""

    delay_s: float = Field(
        0.5, ge=0.02, le=10, description="Seconds of audio buffered before playback, to take up uneven arrival"
    )
    buffer_s: float = Field(
        5.0, ge=0.1, le=60, description="Maximum seconds of audio buffered per client; what exceeds it is dropped"
    )
    idle_timeout_s: float = Field(
        60.0, ge=1, description="A stream whose client has sent no audio for this many seconds is closed"
    )
    recordings: Path | None = Field(
        None,
        description="Folder for the audio of clients that ask to keep it (`storage`); by default, `live-recordings` in "
        "the home",
    )
    recording_format: Literal["flac", "wav"] = Field("flac", description="Format of those recordings")
    recording_length_s: float = Field(3600.0, ge=1, description="Maximum length of one recording in seconds")
    recordings_max_gb: float = Field(10.0, ge=0, description="Maximum size of all those recordings in gigabytes")

    @model_validator(mode="after")
    def _buffer_holds_delay(self) -> LiveStreamSettings:
        if self.buffer_s < 2 * self.delay_s:
            raise ValueError(f"buffer_s is {self.buffer_s:g}; expected at least twice delay_s, {2 * self.delay_s:g}")
        return self
