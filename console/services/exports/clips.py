"""The clips of detections as a ZIP archive, with a table of them."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO, Final
from zoneinfo import ZoneInfo

from console.services.exports.pipe import WritePipe
from console.services.exports.selected import Batch
from console.services.exports.table import COLUMNS, csv_lines, row_of
from console.services.sound_places import clip_file, is_of_this_node
from tidzam.config import Settings

_CHUNK_BYTES: Final = 1 << 18
TABLE: Final = "detections.csv"


def clip_archive(settings: Settings, batches: Iterable[Batch], zone: ZoneInfo) -> Iterator[bytes]:
    """The archive; clips that are gone, cannot be read or are those of another node are left out. They are compressed
    already. The table grows on the disk; of each clip, only its entry in the archive is in memory."""
    pipe = WritePipe()
    with TemporaryFile() as table, zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        table.write(csv_lines([COLUMNS]))
        for stored, other_class in (one for batch in batches for one in batch):
            if stored.clip is None or stored.clip in archive.NameToInfo or not is_of_this_node(settings, stored.node):
                continue
            path = clip_file(settings, stored.clip)
            if path is None:
                continue
            try:
                info = zipfile.ZipInfo.from_file(path, stored.clip, strict_timestamps=False)
                source = path.open("rb")
            except OSError:  # it was removed meanwhile, or may not be read
                continue
            table.write(csv_lines([row_of(stored, other_class, zone)]))
            yield from _member(archive, pipe, source, info)
        table.seek(0)
        yield from _member(archive, pipe, table, zipfile.ZipInfo(TABLE, time.localtime()[:6]))
    yield pipe.take()


def _member(archive: zipfile.ZipFile, pipe: WritePipe, source: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    with source, archive.open(info, "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK_BYTES):
            target.write(chunk)
            yield pipe.take()
