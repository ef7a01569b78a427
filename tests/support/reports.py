"""Reports of files as their analysis would return them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from analyzer.files.analysis import FileReport
from analyzer.files.report import FileDetection
from tidzam.results import Detection

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def detection_row(
    label: str, start_s: float, end_s: float, *, channel: int = 0, dated: bool = True, path: tuple[str, ...] = ()
) -> dict[str, object]:
    """A row of a detection, with a peak probability of 0.9 and a mean of 0.75."""
    span = START + timedelta(seconds=start_s), START + timedelta(seconds=end_s)
    found = Detection("id", f"pond:out_{channel}", label, path or (label,), *span, 0.9, 0.75, 2)
    return FileDetection(channel, start_s, end_s, dated, found).row()


def file_report(
    file: str, rows: Sequence[dict[str, Any]] = (), *, channels: int = 1, dated: bool = True, truncated: bool = False
) -> FileReport:
    """The report of a 10-s file at 48 kHz."""
    return FileReport(
        file=file,
        rate_hz=48000,
        channels=tuple(range(channels)),
        start=START.isoformat() if dated else None,
        time_source="GUANO" if dated else "",
        duration_s=10.0,
        truncated=truncated,
        lost_s=0.0,
        cleaned_samples=0,
        windows=10 * channels,
        classifier_errors={},
        sink_errors={},
        detections=tuple(rows),
    )
