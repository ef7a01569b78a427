"""Settings of the index of recorded sound, by which similar sounds are found."""

from __future__ import annotations

from pydantic import Field

from tidzam.config.section import Section


class SearchSettings(Section):
    """The index of recorded sound, by which similar sounds are found (part `search`)."""

    enabled: bool = Field(
        True, description="The console has new recordings indexed at the lowest priority, if the part `search` is there"
    )
    base: str | None = Field(
        None,
        description="Installed model, or bundle of `analyzer.nn`, whose embeddings are compared; by default BirdNET if "
        "it is installed, else the selector",
    )
    gb: float = Field(
        2.0,
        gt=0,
        le=1000,
        description="Maximum size of an index in GB; the oldest recordings are left out. An hour of one channel takes "
        "1.2 MB with BirdNET",
    )
    every_minutes: float = Field(
        10.0,
        gt=0,
        description="Minutes between two indexings if there is much to index; else a "
        "recording is indexed a minute after it is complete",
    )
