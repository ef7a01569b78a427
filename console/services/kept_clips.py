"""The clips of detections that people marked or judged are marked on the disk, so that the clip budget spares them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tidzam.config import Settings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.keep_marks import keep, marked_by_programs, release
from tidzam.store.database import Store
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow


class KeptClips:
    """The marks of the clips of a node. `refresh` brings them up to date; it may take a while the first time."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._node = store, settings.node.known_as
        sinks = settings.analyzer.sinks
        self._folders = [sink.folder.resolve() for sink in sinks if isinstance(sink, ClipSinkSettings)]
        self._kept: set[Path] | None = None

    def refresh(self) -> None:
        """Mark the clips of what somebody has marked or judged, and release those of what nobody does any more.

        Raises StoreError and OSError.
        """
        if not self._folders:
            return
        if self._kept is None:
            self._kept = {path for folder in self._folders for path in marked_by_programs(folder)}
        with self._store.read() as session:
            wanted = set(self._paths(clips_to_keep(session, self._node)))
        for path in self._kept - wanted:
            release(path)
        self._kept = (self._kept & wanted) | {path for path in wanted - self._kept if keep(path)}

    def _paths(self, clips: Iterable[str]) -> Iterable[Path]:
        """Where these clips may be. A name that leads out of the folders is ignored: the store is shared."""
        for clip in clips:
            for folder in self._folders:
                path = (folder / clip).resolve()
                if path.is_relative_to(folder):
                    yield path


def clips_to_keep(session: Session, node: str) -> list[str]:
    """The clips of a node's detections that somebody has marked or judged."""
    row = DetectionRow
    query = (
        select(row.clip)
        .join(ChannelRow, ChannelRow.id == row.channel_id)
        .join(SourceRow, SourceRow.id == ChannelRow.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .where(NodeRow.name == node, row.clip.is_not(None), or_(row.is_marked, row.verdict.is_not(None)))
    )
    return [clip for clip in session.scalars(query) if clip is not None]
