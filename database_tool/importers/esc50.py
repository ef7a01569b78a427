"""ESC-50 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015) and sets laid out as it is.

2000 clips of 5 s in 50 classes and 5 folds; clips cut from one recording are in one fold.
"""

from __future__ import annotations

import re
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath

from tidzam.clips import Clip, find_clips
from tidzam.errors import DatasetError, SetupError
from tidzam.tables import Row, columns_of, quoted, read_table

ADDRESS = "https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip"
META = Path("meta", "esc50.csv")
_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 30
_FOLD = re.compile(r"^(\d{1,6})-", re.ASCII)
FOLD_DIGITS = 6
COLUMNS = ("filename", "fold", "category", "src_file")


def find_esc50(folder: Path, *, only_esc10: bool = False) -> dict[int, list[Clip]]:
    """The clips of each fold: by meta/esc50.csv, or, without it, by folders of classes and names FOLD-RECORDING-TAKE.

    Raises DatasetError if the folder is neither.
    """
    meta = folder / META
    listed = _by_meta(folder, only_esc10) if meta.is_file() else _by_names(folder)
    folds: dict[int, list[Clip]] = {}
    for fold, clip in listed:
        folds.setdefault(fold, []).append(clip)
    return dict(sorted(folds.items()))


def _by_meta(folder: Path, only_esc10: bool) -> list[tuple[int, Clip]]:
    meta = folder / META
    rows = read_table(meta, required=COLUMNS)
    missing = [name for name in (*COLUMNS, *(["esc10"] if only_esc10 else [])) if name not in columns_of(rows)]
    if missing:
        raise DatasetError(
            f"{meta} is not the table of ESC-50: it has no column {missing[0]}, or no rows.",
            hint="Download it again.",
            code="dataset_list",
        )
    return [(_fold(row), _clip(folder, row)) for row in rows if not only_esc10 or row.get("esc10").lower() == "true"]


def _clip(folder: Path, row: Row) -> Clip:
    return Clip(folder / "audio" / _required(row, "filename"), _required(row, "category"), row.get("src_file"))


def _fold(row: Row) -> int:
    text = row.get("fold")
    if not (text.isascii() and text.isdecimal() and len(text) <= FOLD_DIGITS):
        raise row.fault(f"fold is {quoted(text)}, not a number")
    return int(text)


def _required(row: Row, column: str) -> str:
    if not row.get(column):
        raise row.fault(f"it has no {column}")
    return row.get(column)


def _by_names(folder: Path) -> list[tuple[int, Clip]]:
    found = []
    for clip in find_clips(folder):
        fold = _FOLD.match(clip.path.name)
        if fold is None:
            raise DatasetError(
                f"{folder} is not laid out as ESC-50: it has no {META}, and {clip.path.name} names no fold.",
                hint="Import it as folders.",
                code="dataset_list",
            )
        found.append((int(fold[1]), clip))
    return found


def fetch(address: str, folder: Path, *, advance: Callable[[int, int], None]) -> Path:
    """Download ESC-50 into `folder` and unpack its sound and its list. Returns where they are; what is there, stays.

    Raises SetupError if it cannot be fetched, DatasetError if what came is something else.
    """
    if (folder / META).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / "download.zip.part"
    try:
        _download(address, archive, advance)
    except (OSError, urllib.error.URLError) as error:
        archive.unlink(missing_ok=True)
        reason = getattr(error, "reason", None) or error
        raise SetupError(
            f"{address} cannot be fetched: {reason}.",
            hint="Where there is a network, fetch and unpack it yourself, and import that folder.",
            code="download",
        ) from None
    try:
        _unpack(archive, folder)
    except zipfile.BadZipFile:
        raise DatasetError(f"What {address} gives is no zip archive.", hint="Check the address.") from None
    finally:
        archive.unlink(missing_ok=True)
    return folder


def _download(address: str, archive: Path, advance: Callable[[int, int], None]) -> None:
    with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer, archive.open("wb") as file:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while block := answer.read(_BLOCK_BYTES):
            file.write(block)
            done += len(block)
            advance(done, total)
    if total and done != total:
        raise OSError(f"it broke off after {done:,} of {total:,} bytes")


def _unpack(archive: Path, folder: Path) -> None:
    """Only NAME/audio/FILE and NAME/meta/FILE; the list last, so that it is there only with all the sound."""
    wanted: Collection[str] = ("audio", "meta")
    with zipfile.ZipFile(archive) as packed:
        members = [one for one in packed.infolist() if not one.is_dir()]
        for member in sorted(members, key=lambda one: "/meta/" in one.filename):
            parts = PurePosixPath(member.filename).parts
            if len(parts) == 3 and parts[1] in wanted and ".." not in parts:
                target = folder / parts[1] / parts[2]
                target.parent.mkdir(exist_ok=True)
                with packed.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    if not (folder / META).is_file():
        raise DatasetError(f"The archive holds no {META}: it is not ESC-50.", hint="Check the address.")
