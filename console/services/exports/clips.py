"""The sound of detections as a ZIP archive, with a table of them."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Container, Generator, Iterable, Iterator
from datetime import UTC, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Final
from zoneinfo import ZoneInfo

from console.services.exports.pipe import WritePipe
from console.services.exports.selected import Batch
from console.services.exports.table import COLUMNS, cell, csv_lines, row_of
from console.services.forwarding.places import forwarded_clip
from console.services.sound import MARGIN_S, cut_sound
from console.services.sound_places import clip_file, is_of_this_node
from console.services.turns import BusyError, Turns
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.naming import clip_stem
from tidzam.store.database import Store
from tidzam.store.queries.detections import StoredDetection

_CHUNK_BYTES: Final = 1 << 18
_RETRIES_S: Final = 60.0
"""For how long it is tried to cut a sound while others read recordings."""
_TURNS: Final = Turns(1)
TABLE: Final = "detections.csv"
FILE_COLUMN: Final = "file"
"""The last column of the table: the name of the sound in the archive; empty if there is none."""


def clip_archive(settings: Settings, store: Store, batches: Iterable[Batch], zone: ZoneInfo) -> Iterator[bytes]:
    """The archive: of each detection its clip, or else what was recorded of it, cut one after the other. The table has
    those without sound, too. It grows on the disk; of each sound, only its entry in the archive is in memory.

    Raises BusyError at once if another archive is being written.
    """
    content = _archive(settings, store, batches, zone)
    next(content)  # from here on it has its turn, until it ends or is dropped
    return content


def _archive(settings: Settings, store: Store, batches: Iterable[Batch], zone: ZoneInfo) -> Iterator[bytes]:
    pipe = WritePipe()
    with _TURNS.one(patience_s=0), TemporaryFile() as table, zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        yield b""
        table.write(csv_lines([(*COLUMNS, FILE_COLUMN)]))
        for stored, other_class in (one for batch in batches for one in batch):
            file = ""
            if is_of_this_node(settings, stored.node) or forwarded_clip(settings, stored.clip or "") is not None:
                file = yield from _sound(archive, pipe, settings, store, stored)
            table.write(csv_lines([(*row_of(stored, other_class, zone), cell(file))]))
        table.seek(0)
        yield from _member(archive, pipe, table, zipfile.ZipInfo(TABLE, time.localtime()[:6]))
    yield pipe.take()


def _sound(
    archive: zipfile.ZipFile, pipe: WritePipe, settings: Settings, store: Store, stored: StoredDetection
) -> Generator[bytes, None, str]:
    """Add the sound of a detection. Returns its name in the archive, or nothing if there is none."""
    path = clip_file(settings, stored.clip) if stored.clip else None
    if stored.clip is not None and path is not None:
        if stored.clip in archive.NameToInfo:
            return stored.clip
        try:
            info = zipfile.ZipInfo.from_file(path, stored.clip, strict_timestamps=False)
            source = path.open("rb")
        except OSError:  # it was removed meanwhile, or may not be read
            return ""
        yield from _member(archive, pipe, source, info)
        return stored.clip
    with NamedTemporaryFile(suffix=".flac") as cut:
        if not _cut(settings, store, stored, Path(cut.name)):
            return ""
        name = _name(stored, archive.NameToInfo)
        info = zipfile.ZipInfo(name, max(stored.start.astimezone(UTC).timetuple()[:6], _FIRST_DATE))
        source = Path(cut.name).open("rb")  # noqa: SIM115  it is closed there
        yield from _member(archive, pipe, source, info)
    return name


def _cut(settings: Settings, store: Store, stored: StoredDetection, path: Path) -> bool:
    """Write what was recorded of a detection to a file. Returns whether something was, and could be cut in time."""
    start, margin = stored.start - timedelta(seconds=MARGIN_S), 2 * MARGIN_S
    until = time.monotonic() + _RETRIES_S
    while True:
        try:
            cut_sound(
                settings, store, stored.channel, start, (stored.end - stored.start).total_seconds() + margin, path
            )
        except BusyError as error:
            if time.monotonic() + error.wait_s > until:
                return False
            time.sleep(error.wait_s)
        except RequestError:
            return False
        else:
            return True


def _name(stored: StoredDetection, taken: Container[str]) -> str:
    """The name of a sound, as that of a clip."""
    folder = re.sub(r"[^\w-]+", "-", stored.path[-1]).strip("-") or "sound"
    stem = f"{folder}/{clip_stem(stored.channel, stored.start)}"
    return f"{stem}-{stored.id}.flac" if f"{stem}.flac" in taken else f"{stem}.flac"


_FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""ZIP archives know no earlier one."""


def _member(archive: zipfile.ZipFile, pipe: WritePipe, source: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    with source, archive.open(info, "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK_BYTES):
            target.write(chunk)
            yield pipe.take()
