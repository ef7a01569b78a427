"""The settings of an edge node, which records to files and analyzes these."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tidzam.config.section import Section


class EdgeSettings(Section):
    """A node on a small machine: it records its sources to files and analyzes these, without JACK and Icecast."""

    enabled: bool = Field(False, description="Run a recorder and the inference instead of the programs of other nodes")
    folder: Path = Field(
        Path("audio"), description="Folder of the files: `audio-temp`, `audio-to-parse` and `audio-parsed` are in it"
    )
    check_every_s: float = Field(
        60.0, ge=1, description="Seconds between two looks at `audio-to-parse`; a file that arrives is seen at once"
    )
