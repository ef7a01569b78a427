"""The clips of detections as a ZIP archive, with a table of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from console.services.exports.pipe import WritePipe
from console.services.exports.selected import Batch
from console.services.exports.table import COLUMNS, Row, csv_lines, row_of
from console.services.sound_places import clip_file
from tidzam.config import Settings

_CHUNK_BYTES: Final = 1 << 18
TABLE: Final = "detections.csv"


def clip_archive(settings: Settings, batches: Iterable[Batch], zone: ZoneInfo) -> Iterator[bytes]:
    """The archive; clips that are gone or cannot be read are left out. They are compressed already."""
    pipe, rows, names = WritePipe(), list[Row]([COLUMNS]), set[str]()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for stored, other_class in (one for batch in batches for one in batch):
            path = None if stored.clip is None else clip_file(settings, stored.clip)
            if path is None or stored.clip is None or stored.clip in names:
                continue
            try:
                info = zipfile.ZipInfo.from_file(path, stored.clip, strict_timestamps=False)
                source = path.open("rb")
            except OSError:  # it was removed meanwhile, or may not be read
                continue
            names.add(stored.clip)
            rows.append(row_of(stored, other_class, zone))
            yield from _member(archive, pipe, source, info)
        archive.writestr(TABLE, csv_lines(rows))
    yield pipe.take()


def _member(archive: zipfile.ZipFile, pipe: WritePipe, source: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with source, archive.open(info, "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK_BYTES):
            target.write(chunk)
            yield pipe.take()
