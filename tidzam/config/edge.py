"""The settings of an edge node, which records to files and analyzes these."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from tidzam.config.recording import KeepSettings
from tidzam.config.section import Names, Section
from tidzam.config.sources import SourceSettings


class EdgeSettings(Section):
    """A node on a small machine: it records its sources to files and analyzes these, without JACK and Icecast."""

    enabled: bool = Field(False, description="Run a recorder and the inference instead of the programs of other nodes")
    folder: Path = Field(
        Path("audio"),
        description="Folder of the files, by default in the home: `audio-temp`, `audio-to-parse`, `audio-parsed` and "
        "`audio-rejected` are in it",
    )
    check_every_s: float = Field(
        60.0, ge=1, description="Seconds between two looks at `audio-to-parse`; a file that arrives is seen at once"
    )
    csv: Path | None = Field(
        Path("detections.csv"),
        description="CSV file of the detections, by default in the home, with the UTC day in its name: "
        "`detections-2026-05-01.csv`. `null` writes none",
    )
    keep: Literal["detections", "all", "none"] = Field(
        "detections",
        description="Which analyzed files move to `audio-parsed`: those with detections, all or none; others are "
        "deleted",
    )
    classes: Names = Field(
        ("*",),
        description="Classes for whose detections a file is kept: globs, or prefixes (`birds-`); a class includes "
        "those below it. `silence` and `background` never count",
    )
    parsed: KeepSettings = Field(
        KeepSettings(max_gb=8, min_free_gb=0.5),
        description="How many files stay in `audio-parsed`, and in `audio-rejected`: the oldest are deleted first",
    )


def edge_source_fault(source: SourceSettings) -> str | None:
    """Why an edge node cannot record a source, as the end of a sentence; None if it can."""
    if not any((source.url, source.demo, source.input)):
        return "an edge node records a url, a demo or an input"
    if source.format == "copy":
        return "an edge node decodes what it records: it has no format copy"
    if source.date is not None:
        return "an edge node does not play recordings from a date"
    if source.input is not None and source.input.ports is not None:
        return "an edge node has no JACK ports: name the sound card by `input.device`"
    if source.record is not None and source.record.mode == "segments":
        return "an edge node has no segments: use `record.mode: continuous`"
    return None
