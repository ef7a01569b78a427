"""From the profile of an edge node to the options of its recorder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Never

from stream_manager.channel_selection import selected_channels
from stream_manager.direct.options import DirectOptions, DirectSource, SourceKind, direct_recorder_argv
from stream_manager.network.media_url import resolve_media
from stream_manager.recorder.options import RecorderOptions
from tidzam.addresses import is_address
from tidzam.config import Settings, SourceSettings, load_settings
from tidzam.config.recording import RecordSettings
from tidzam.edge_folders import EdgeFolders
from tidzam.heartbeats import heartbeat_file
from tidzam.paths import home_folder
from tidzam.recorder_status import RECORDER_STATUS_FILE

LENGTH_S: Final = 60
"""The length of a file, unless `record.length_s` states another."""
DEVICE: Final = "default"
DEVICE_RATE_HZ: Final = 48000


def become_recorder(profile: Path) -> Never:
    """Replace this process by the recorder of the edge node with this profile, which does not hold the library of the
    settings in memory: that would be a third of it. Raises ConfigError and RequestError."""
    argv = direct_recorder_argv(edge_options(load_settings(profile)))
    os.execv(argv[0], argv)


def edge_options(settings: Settings) -> DirectOptions:
    """What the recorder of an edge node is to do. Raises RequestError for a channel or an address that is invalid."""
    folders, home = EdgeFolders(settings.edge.folder), home_folder(settings.home)
    return DirectOptions(
        sources=tuple(edge_source(source, settings, folders.temp) for source in settings.sources),
        complete_in=folders.to_parse,
        removable=(folders.parsed, folders.to_parse),
        status=home / RECORDER_STATUS_FILE,
        beat=heartbeat_file(home, "recorder"),
        waits=True,
    )


def edge_source(source: SourceSettings, settings: Settings, folder: Path) -> DirectSource:
    """A source of an edge node, recorded in `folder`. Raises RequestError."""
    record = source.record or RecordSettings()
    options = RecorderOptions.of(source.name, 0, record.model_copy(update={"path": folder}))
    length_s = record.length_s or LENGTH_S
    kind, address = _origin(source, settings)
    return DirectSource(
        kind=kind,
        address=address,
        record=RecorderOptions(**{**vars(options), "length_s": length_s, "threshold": None}),
        channels=selected_channels(source.channels, source.channel_names),
        device_channels=source.nb_channels or 1,
        device_rate_hz=(source.input and source.input.rate_hz) or DEVICE_RATE_HZ,
        loop=source.loop,
        is_permanent=source.is_permanent,
    )


def _origin(source: SourceSettings, settings: Settings) -> tuple[SourceKind, str]:
    """What a source is, and its address."""
    if source.input is not None:
        return "device", source.input.device or DEVICE
    media = resolve_media(source.url or "", settings.stream_manager.media_roots, trusted=True)
    return ("address" if is_address(media) else "file"), media
