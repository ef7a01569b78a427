"""The sound of what people marked, judged or annotated is marked on the disk: no budget and no retention deletes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, and_, select, type_coerce, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from console.services.annotated_sound import AnnotatedSound
from console.services.forwarding.places import forwarded_folder
from tidzam.config import Settings
from tidzam.config.sinks import ClipSinkSettings
from tidzam.keep_marks import keep, marked_by_programs, release
from tidzam.recording_folders import recording_folders
from tidzam.store.database import Store
from tidzam.store.tables.detections import IS_JUDGED, IS_MARKED, DetectionRow
from tidzam.store.tables.places import ChannelRow
from tidzam.store.tables.recordings import RecordingRow

Value = TypeVar("Value")
_LONGEST_FILE_US: Final = 86_400_000_000
"""The maximum of `record.length_s`, in microseconds, as which the store has times."""
_GROUP: Final = 1000
"""Values in one statement."""
VALUED: Final = union(
    select(DetectionRow.id, DetectionRow.clip).where(IS_MARKED),
    select(DetectionRow.id, DetectionRow.clip).where(IS_JUDGED),
)
"""The numbers and clips of the detections that somebody has marked or judged. Each part has an index of its own, which
a condition with `OR` would not use."""


class KeptSound:
    """The marks of the clips and recordings of a node: of a detection that somebody has marked or judged, its clip is
    kept, or if there is no such file, the recordings in which it was heard; and all recordings that hold annotations.

    The name of the node does not matter, since it may change.
    `refresh` brings the marks up to date; it may take a while the first time.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        sinks = settings.analyzer.sinks
        folders = [sink.folder for sink in sinks if isinstance(sink, ClipSinkSettings)]
        self._clips = _Folders.of([*folders, forwarded_folder(settings)])
        self._recordings = _Folders.of(recording_folders(settings))
        self._annotated = AnnotatedSound(settings)
        self._kept: set[Path] | None = None

    def refresh(self) -> None:
        """Mark the sound of what somebody has marked, judged or annotated, and release that of the rest.

        Marks of files that the store does not know stay: they are those of another store. Raises StoreError and
        OSError.
        """
        folders = {*self._clips.resolved, *self._recordings.resolved}
        kept = self._kept
        if kept is None:
            kept = {path for folder in folders for path in marked_by_programs(folder)}
        with self._store.read() as session:
            wanted = self._wanted(session)
            surplus = kept - wanted
            if self._kept is None:  # later ones were all marked because of this store
                surplus = self._known(session, surplus)
        for path in surplus:
            release(path)
        self._kept = (kept & wanted) | {path for path in wanted - kept if keep(path)}

    def _wanted(self, session: Session) -> set[Path]:
        """Where the files to keep may be."""
        wanted, without_clip = set[Path](), list[int]()
        for number, clip in session.execute(VALUED):
            paths = [] if clip is None else list(self._clips.paths_of(clip))
            wanted.update(paths)
            if not any(map(Path.is_file, paths)):
                without_clip.append(number)
        for name in recordings_of(session, without_clip) | self._annotated.recordings(session):
            wanted.update(self._recordings.paths_of(name))
        return wanted

    def _known(self, session: Session, paths: Collection[Path]) -> set[Path]:
        """Those of these files that the store names, as a clip or a recording."""
        named = ((self._clips, DetectionRow.clip), (self._recordings, RecordingRow.path))
        return {path for folders, column in named for path in _named(session, column, folders, paths)}


@dataclass(frozen=True)
class _Folders:
    """Folders as the settings name them, and where they are."""

    resolved: dict[Path, Path]

    @classmethod
    def of(cls, folders: Iterable[Path]) -> _Folders:
        return cls({folder.resolve(): folder.absolute() for folder in folders})

    def paths_of(self, name: str) -> Iterator[Path]:
        """Where a file with this name, absolute or relative to a folder, may be. One that leads out of the folders is
        ignored: the store may be shared."""
        for folder in self.resolved:
            path = (folder / name).resolve()
            if path.is_relative_to(folder):
                yield path

    def names_of(self, path: Path) -> Iterator[str]:
        """The names that a file may have in the store: the inverse of `paths_of`."""
        for folder, named in self.resolved.items():
            if path.is_relative_to(folder):
                name = path.relative_to(folder)
                yield from {str(name), str(path), str(named / name)}


def recordings_of(session: Session, detections: Sequence[int]) -> set[str]:
    """The recordings in which detections lie, by the numbers of these."""
    heard, file = DetectionRow, RecordingRow
    overlaps = and_(
        file.source_id == ChannelRow.source_id,
        type_coerce(file.start, BigInteger) > type_coerce(heard.start, BigInteger) - _LONGEST_FILE_US,
        file.start < heard.end,
        file.end > heard.start,
    )
    query = select(file.path).select_from(heard).join(ChannelRow, ChannelRow.id == heard.channel_id)
    query = query.join(file, overlaps).distinct()
    return {path for group in _groups(detections) for path in session.scalars(query.where(heard.id.in_(group)))}


def _named(
    session: Session, column: InstrumentedAttribute[Any], folders: _Folders, paths: Iterable[Path]
) -> Iterator[Path]:
    """Those of these files whose names are in a column."""
    by_name = defaultdict[str, list[Path]](list)
    for path in paths:
        for name in folders.names_of(path):
            by_name[name].append(path)
    for group in _groups(list(by_name)):
        for name in session.scalars(select(column).where(column.in_(group)).distinct()):
            yield from by_name[name]


def _groups(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    return (values[first : first + _GROUP] for first in range(0, len(values), _GROUP))
