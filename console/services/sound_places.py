"""Where the recordings of a channel and the clips of detections are, by the settings of the node."""

from __future__ import annotations

from pathlib import Path

from console.services.channel_recordings import ChannelRecordings, StoredRecordings
from console.services.forwarding.places import forwarded_clip, node_folder
from console.services.unfinished_sound import UnfinishedSound
from tidzam.config import Settings
from tidzam.config.recording import RecordSettings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import RequestError
from tidzam.naming import LIVE_SOURCE, channel_number, port_name, source_of
from tidzam.recorded_sound.folder import RecordedFolder
from tidzam.recorded_sound.plan import NAMED_JOIN_S, RECORDER_JOIN_S
from tidzam.recording_folders import live_recordings_folder
from tidzam.store.database import Store


def channel_recordings(settings: Settings, store: Store, channel: str) -> ChannelRecordings:
    """The recordings of a channel such as `pond:out_1`.

    Raises RequestError (`request`, `no_recording`) if there is no such name, or the source was never recorded.
    """
    source, number = source_of(channel), channel_number(channel.partition(":")[2])
    if number is None or channel != port_name(source, number):
        message, hint = f"channel: {channel!r} is no channel.", "Expected for example pond:out_0."
        raise RequestError(message, hint=hint, code="request", field="channel")
    if source == LIVE_SOURCE:
        folder = RecordedFolder(live_recordings_folder(settings), channel.replace(":", "-"))
        live = _unfinished(settings, folder, None)
        return ChannelRecordings(0, join_s=NAMED_JOIN_S, folder=folder, stored=None, unfinished=live)
    stored = StoredRecordings(store, settings.node.known_as, source)
    own = own_recordings(settings, source)
    if own is None and not stored.is_known():
        message, hint = f"The source {source!r} was never recorded.", "Switch its recording on, on its page."
        raise RequestError(message, hint=hint, code="no_recording", field="channel")
    own_settings = next((one.record for one in settings.sources if one.name == source), None)
    record = own_settings or settings.stream_manager.record
    folder = own or RecordedFolder(record.path, source, by_day=record.mode == "segments")
    unfinished = _unfinished(settings, folder, record)
    return ChannelRecordings(number, join_s=RECORDER_JOIN_S, folder=folder, stored=stored, unfinished=unfinished)


def own_recordings(settings: Settings, source: str) -> RecordedFolder | None:
    """The folder of a source; None if the profile has no such source, or does not record it."""
    for one in settings.sources:
        if one.name == source and one.record is not None:
            return RecordedFolder(one.record.path, source, by_day=one.record.mode == "segments")
    return None


def is_of_this_node(settings: Settings, node: str) -> bool:
    """Whether `node`, of which the store knows detections, is this one. A store in the home is that of this node, which
    may have had another name, and of those that forward to it."""
    if node == settings.node.known_as:
        return True
    return settings.store.url is None and node_folder(settings, node) is None


def clip_file(settings: Settings, clip: str) -> Path | None:
    """The file of a clip, named as in a detection; None if it is gone, or would be outside of the folders of clips."""
    if (forwarded := forwarded_clip(settings, clip)) is not None:
        return forwarded
    for sink in settings.analyzer.sinks:
        if isinstance(sink, ClipSinkSettings):
            folder = sink.folder.resolve()
            path = (folder / clip).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path
    return None


def _unfinished(settings: Settings, folder: RecordedFolder, record: RecordSettings | None) -> UnfinishedSound:
    return UnfinishedSound(
        folder,
        length_s=record.file_length_s if record is not None else None,
        is_private=settings.analyzer.privacy.detector is not None,
        is_segments=record is not None and record.mode == "segments",
        is_enabled=record is not None and record.enabled,
    )
