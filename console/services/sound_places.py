"""Where the recordings of a channel and the clips of detections are, by the settings of the node."""

from __future__ import annotations

from pathlib import Path

from tidzam.config import Settings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import RequestError
from tidzam.naming import LIVE_SOURCE, channel_number, port_name, source_of
from tidzam.paths import default_home
from tidzam.recorded_sound.folder import RecordedFolder
from tidzam.recorded_sound.plan import NAMED_JOIN_S

_LIVE_FOLDER = "live-recordings"


def recorded_channel(settings: Settings, channel: str) -> tuple[RecordedFolder, int]:
    """The recordings of the source of a channel such as `pond:out_1`, and the number of the channel in them.

    Raises RequestError (`request`, `no_recording`) if there is no such name, or the source is not recorded.
    """
    source, number = source_of(channel), channel_number(channel.partition(":")[2])
    if number is None or channel != port_name(source, number):
        message, hint = f"channel: {channel!r} is no channel.", "Expected for example pond:out_0."
        raise RequestError(message, hint=hint, code="request", field="channel")
    if source == LIVE_SOURCE:
        return RecordedFolder(_live_folder(settings), channel.replace(":", "-"), join_s=NAMED_JOIN_S), 0
    for one in settings.sources:
        if one.name == source and one.record is not None:
            return RecordedFolder(one.record.path, source, by_day=one.record.mode == "segments"), number
    message = f"The source {source!r} of the channel {channel!r} is not recorded."
    raise RequestError(message, hint="Add `record` to the source in the profile.", code="no_recording", field="channel")


def clip_file(settings: Settings, clip: str) -> Path | None:
    """The file of a clip, named as in a detection; None if it is gone, or would be outside of the folders of clips."""
    for sink in settings.analyzer.sinks:
        if isinstance(sink, ClipSinkSettings):
            folder = sink.folder.resolve()
            path = (folder / clip).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path
    return None


def _live_folder(settings: Settings) -> Path:
    folder = settings.stream_manager.live_streams.recordings
    return folder or (settings.home or default_home()) / _LIVE_FOLDER
