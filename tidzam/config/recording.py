"""The settings of a source's recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from tidzam.config.section import Section

LONGEST_SEGMENT_S: Final = 60
_LENGTH_S: Final = {"continuous": 600, "segments": 3}


class KeepSettings(Section):
    """Which recordings of a source are kept. The oldest ones are deleted first; without limits, none is deleted."""

    days: float | None = Field(None, gt=0, description="Delete recordings after this many days")
    max_gb: float | None = Field(
        None, gt=0, description="Maximum size of all recordings of the source in GB (10^9 bytes)"
    )
    min_free_gb: float | None = Field(None, gt=0, description="Delete recordings while less than this many GB are free")

    @property
    def deletes(self) -> bool:
        """Whether any recording may be deleted."""
        return (self.days, self.max_gb, self.min_free_gb) != (None, None, None)


class RecordSettings(Section):
    """Recordings of a source, all channels in one file. Files are cut at multiples of `length_s` since 1970 (UTC)."""

    path: Path = Field(
        Path("recordings"),
        description="Folder of the recordings, by default in the home; it is created if it is missing",
    )
    format: Literal["opus", "flac", "wav"] = Field(
        "flac", description="Format of the files; flac holds at most 8 channels"
    )
    length_s: int | None = Field(
        None, ge=1, le=86400, description="Length of a file in seconds; by default 600, or 3 in the mode `segments`"
    )
    bitrate_kbps: int = Field(64, ge=6, le=256, description="Bit rate of each channel in kbit/s (opus)")
    bit_depth: Literal[16, 24] = Field(16, description="Bits per sample (flac and wav)")
    mode: Literal["continuous", "segments"] = Field(
        "continuous", description="Keep everything, or only segments that are not silent, with an index of them"
    )
    threshold: float = Field(
        0.01, ge=0, le=1, description="Smallest peak of a segment that is kept, as a fraction of full scale (segments)"
    )
    enabled: bool = Field(True, description="Record from the start; clients may switch recording on and off")
    keep: KeepSettings = KeepSettings()

    @model_validator(mode="after")
    def _fits_into_memory(self) -> RecordSettings:
        if self.mode == "segments" and self.file_length_s > LONGEST_SEGMENT_S:
            raise ValueError(f"a segment may be {LONGEST_SEGMENT_S} s long at most: it is held in memory")
        return self

    @property
    def file_length_s(self) -> int:
        """The length of a file in seconds."""
        return self.length_s or _LENGTH_S[self.mode]


class DefaultRecordSettings(RecordSettings):
    """How sources without `record` of their own are recorded."""

    enabled: bool = Field(
        False, description="Record all of them from the start; otherwise, those that clients switch on"
    )
