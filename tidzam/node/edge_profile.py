"""What a profile says in vain if it is that of an edge node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tidzam.config import Settings, SourceSettings
from tidzam.config.recording import KeepSettings, RecordSettings
from tidzam.paths import home_folder

_DEFAULT_PATH = Path("recordings")


def ignored_at_edge(settings: Settings) -> Sequence[str]:
    """Sentences about the settings that an edge node ignores, and those that it follows instead."""
    console = settings.console
    found = []
    if console.enabled and "enabled" in console.model_fields_set:
        found.append("an edge node has no console: `console.enabled` is ignored. Forward to a node that has one")
    for source in settings.sources:
        record = source.record
        if record is not None and record.path not in (_DEFAULT_PATH, home_folder(settings.home) / _DEFAULT_PATH):
            found.append(f"source {source.name}: `record.path` is ignored, as an edge node records to `edge.folder`")
        if record is not None and record.keep.deletes:
            found.append(f"source {source.name}: `record.keep` is ignored; `edge.parsed` limits what is kept")
    return found


def without_ignored(settings: Settings) -> Settings:
    """The settings without those, as the programs of the node follow them."""
    console = settings.console.model_copy(update={"enabled": False})
    sources = tuple(_without_ignored(source) for source in settings.sources)
    return settings.model_copy(update={"console": console, "sources": sources})


def _without_ignored(source: SourceSettings) -> SourceSettings:
    if source.record is None:
        return source
    defaults = {"path": RecordSettings().path, "keep": KeepSettings()}
    return source.model_copy(update={"record": source.record.model_copy(update=defaults)})
