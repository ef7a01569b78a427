"""The folders into which the stream manager of a node writes recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tidzam.config import Settings
from tidzam.paths import home_folder

LIVE_RECORDINGS: Final = "live-recordings"
"""The folder of the recordings of live streams, in the home of a node."""


def live_recordings_folder(settings: Settings) -> Path:
    """The folder of the recordings of live streams. By default it is in the node's home."""
    return settings.stream_manager.live_streams.recordings or home_folder(settings.home) / LIVE_RECORDINGS


def recording_folders(settings: Settings) -> Iterator[Path]:
    """All of them, some perhaps more than once: of sources, of those without `record` of their own, of live streams."""
    yield from (source.record.path for source in settings.sources if source.record is not None)
    yield settings.stream_manager.record.path
    yield live_recordings_folder(settings)
