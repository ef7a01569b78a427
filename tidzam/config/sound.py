"""Settings of the sound that the console delivers."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class SoundSettings(Section):
    """Sound and peaks that are cut from recordings for the console's pages and for programs."""

    longest_s: float = Field(900.0, gt=0, le=7200, description="Maximum length of one sound in seconds")
    at_a_time: int = Field(
        3, ge=1, le=64, description="Requests that read recordings or clips at a time; further ones wait"
    )
    cache_gb: float = Field(
        1.0, gt=0, description="Maximum size in GB of the cut sounds that are kept in the home, and that of the peaks"
    )
    read_s: float = Field(
        2.0, gt=0, le=30, description="Seconds that one request for peaks may read recordings; the next one goes on"
    )
