"""The detections in a file as rows for programs."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.files.recording import AnalyzedFile
from tidzam.results import Detection

COLUMNS = (
    *("channel", "start_s", "end_s", "start", "end", "class", "path", "peak", "mean", "windows"),
    *("channels", "arrivals_ms"),
)


@dataclass(frozen=True)
class FileDetection:
    """A detection, in seconds from the file's beginning, exact to a frame, and in UTC if the file is dated.

    `channels` are the numbers of all its channels, the loudest first.
    """

    channel: int
    start_s: float
    end_s: float
    dated: bool
    detection: Detection
    channels: tuple[int, ...] = ()

    @classmethod
    def of(cls, detection: Detection, recording: AnalyzedFile) -> FileDetection:
        """The detection in its recording."""
        span = recording.seconds(detection.start), recording.seconds(detection.end)
        channels = tuple(recording.names[name] for name in detection.channel_names)
        return cls(recording.names[detection.channel], *span, recording.dated, detection, channels)

    @property
    def channels_text(self) -> str:
        """All its channels, separated by spaces."""
        return " ".join(map(str, self.channels or (self.channel,)))

    def row(self) -> dict[str, object]:
        """Its values by COLUMNS; `start` and `end` are ISO 8601, or None in a file without a date."""
        found = self.detection
        times = (found.start.isoformat(), found.end.isoformat()) if self.dated else (None, None)
        path, peak, mean = " > ".join(found.path), round(found.peak_probability, 4), round(found.mean_probability, 4)
        span = (round(self.start_s, 6), round(self.end_s, 6))
        values = (self.channel, *span, *times, found.label, path, peak, mean, found.windows)
        return dict(zip(COLUMNS, (*values, self.channels_text, arrivals(found)), strict=True))

    def json_row(self) -> dict[str, object]:
        """Its values by COLUMNS, and `peak_scores` if novelty bundles heard it."""
        scores = {name: round(score, 4) for name, score in self.detection.peak_scores.items()}
        return self.row() | ({"peak_scores": scores} if scores else {})


def arrivals(detection: Detection) -> str:
    """How much later the sound arrives at each of several channels than at the loudest one, in milliseconds.

    They are in the order of the channels, separated by spaces; `-` where it could not be measured.
    """
    if len(detection.channels) < 2:
        return ""
    times = (heard.arrival_s for heard in detection.channels)
    return " ".join("-" if seconds is None else f"{1000 * seconds:.2f}" for seconds in times)


def clock(seconds: float) -> str:
    """`H:MM:SS.mmm`."""
    minutes, rest_ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest_ms // 1000:02d}.{rest_ms % 1000:03d}"
