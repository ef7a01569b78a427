"""Where the clips are that other nodes have forwarded, and which nodes these are."""

from __future__ import annotations

from pathlib import Path

from tidzam.config import Settings
from tidzam.forwarding import clip_name, node_name
from tidzam.paths import FORWARDED, home_folder


def forwarded_folder(settings: Settings) -> Path:
    """The folder of all of them; it has one per node."""
    return settings.console.forwarded.folder or home_folder(settings.home) / FORWARDED


def node_folder(settings: Settings, node: str) -> Path | None:
    """The folder of a node that has forwarded something; None if it has not."""
    try:
        folder = forwarded_folder(settings) / node_name(node)
    except ValueError:
        return None
    return folder if folder.is_dir() else None


def forwarded_clip(settings: Settings, stored: str) -> Path | None:
    """The file of a clip, named as in a detection that was forwarded (`NODE/CLASS/…`); None if it is not here."""
    node, _, clip = stored.partition("/")
    folder = node_folder(settings, node)
    try:
        path = None if folder is None else folder / clip_name(clip)
    except ValueError:
        return None
    return path if path is not None and path.is_file() else None
