"""The detections in a file as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from analyzer.files.report import FileDetection, clock
from tidzam.text import shown


def detection_table(found: Sequence[FileDetection]) -> Table:
    """Detections in the order of their start."""
    dated = any(entry.dated for entry in found)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("channel", justify="right")
    for name in ("start", "end", *(["UTC"] if dated else [])):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("class")
    for name in ("peak", "mean"):
        table.add_column(name, justify="right")
    for entry in sorted(found, key=lambda entry: (entry.start_s, entry.channel)):
        detection = entry.detection
        utc = [f"{detection.start:%Y-%m-%d %H:%M:%S}"] if entry.dated else []
        probabilities = (f"{detection.peak_probability:.2f}", f"{detection.mean_probability:.2f}")
        span = (clock(entry.start_s), clock(entry.end_s))
        parents = shown(" > ".join((*detection.path[:-1], "")))
        label = Text.assemble((parents, "dim"), (shown(detection.label), "cyan"))
        table.add_row(entry.channels_text, *span, *utc, label, *probabilities)
    return table
