"""ESC-50 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015) and datasets with its layout.

2000 clips of 5 s in 50 classes and 5 folds; clips of one recording are in one fold.
"""

from __future__ import annotations

import re
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar

import typer

from database_tool.importers.base import Parts, one_part
from tidzam.clips import Clip, find_clips
from tidzam.errors import DatasetError, SetupError
from tidzam.progress import Progress, Say
from tidzam.tables import Row, columns_of, quoted, read_table
from tidzam.terminal import progress_bar

ADDRESS = "https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip"
META = Path("meta", "esc50.csv")
_BLOCK_BYTES = 1 << 20
_TIMEOUT_S = 30
_FOLD = re.compile(r"^(\d{1,6})-", re.ASCII)
FOLD_DIGITS = 6
COLUMNS = ("filename", "fold", "category", "src_file")

FoldOption = Annotated[list[int] | None, typer.Option("--fold", help="Only this fold; may be repeated.")]
EachFoldOption = Annotated[
    bool, typer.Option("--each-fold", help="Make one dataset per fold: DATASET-fold-1, DATASET-fold-2 …")
]
Esc10Option = Annotated[bool, typer.Option("--esc10", help="Only the ten classes of ESC-10.")]
FetchOption = Annotated[bool, typer.Option("--fetch", help="Download ESC-50 to PATH first.")]
AddressOption = Annotated[str, typer.Option("--address", help="Address of the zip archive for --fetch.")]


@dataclass(frozen=True, kw_only=True)
class Esc50Importer:
    """ESC-50, or a dataset with its layout, by folds."""

    path_help: ClassVar[str] = "Folder of ESC-50; with --fetch, the folder to download it to."

    fold: FoldOption = None
    each_fold: EachFoldOption = False
    esc10: Esc10Option = False
    fetch: FetchOption = False
    address: AddressOption = ADDRESS

    def read(self, path: Path, *, say: Say) -> Parts:
        if self.fetch:
            with progress_bar("downloading", unit="bytes") as advance:
                fetch(self.address, path, advance=advance)
        folds = find_esc50(path, only_esc10=self.esc10)
        absent = sorted(set(self.fold or ()) - set(folds))
        if absent:
            raise DatasetError(f"{path} has no fold {absent[0]}.", hint=f"Its folds are {', '.join(map(str, folds))}.")
        chosen = {number: folds[number] for number in sorted(self.fold or folds)}
        if self.each_fold:
            return {f"fold-{number}": clips for number, clips in chosen.items()}
        return one_part([clip for clips in chosen.values() for clip in clips], path)


def find_esc50(folder: Path, *, only_esc10: bool = False) -> dict[int, list[Clip]]:
    """The clips of each fold, from meta/esc50.csv, or from class folders with files named FOLD-RECORDING-TAKE.

    Raises DatasetError if the folder has neither.
    """
    meta = folder / META
    listed = _from_meta(folder, only_esc10) if meta.is_file() else _from_names(folder)
    folds: dict[int, list[Clip]] = {}
    for fold, clip in listed:
        folds.setdefault(fold, []).append(clip)
    return dict(sorted(folds.items()))


def _from_meta(folder: Path, only_esc10: bool) -> list[tuple[int, Clip]]:
    meta = folder / META
    rows = read_table(meta, required=COLUMNS)
    missing = [name for name in (*COLUMNS, *(["esc10"] if only_esc10 else [])) if name not in columns_of(rows)]
    if missing:
        raise DatasetError(
            f"{meta} is not the table of ESC-50: it has no rows, or no column {missing[0]}.",
            hint="Download it again.",
            code="dataset_list",
        )
    return [(_fold(row), _clip(folder, row)) for row in rows if not only_esc10 or row.get("esc10").lower() == "true"]


def _clip(folder: Path, row: Row) -> Clip:
    return Clip(folder / "audio" / _required(row, "filename"), _required(row, "category"), row.get("src_file"))


def _fold(row: Row) -> int:
    text = row.get("fold")
    if not (text.isascii() and text.isdecimal() and len(text) <= FOLD_DIGITS):
        raise row.fault(f"fold is {quoted(text)}, expected a number")
    return int(text)


def _required(row: Row, column: str) -> str:
    if not row.get(column):
        raise row.fault(f"{column} is empty")
    return row.get(column)


def _from_names(folder: Path) -> list[tuple[int, Clip]]:
    found = []
    for clip in find_clips(folder):
        fold = _FOLD.match(clip.path.name)
        if fold is None:
            raise DatasetError(
                f"{folder} does not have the layout of ESC-50: there is no {META}, and the file name "
                f"{clip.path.name} does not begin with a fold.",
                hint="Use `import folders`.",
                code="dataset_list",
            )
        found.append((int(fold[1]), clip))
    return found


def fetch(address: str, folder: Path, *, advance: Progress) -> Path:
    """Download ESC-50 into `folder` and unpack its audio and its table; returns `folder`. Skipped if it exists.

    Raises SetupError if the download fails, DatasetError if the file is not an archive of ESC-50.
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
            f"Cannot download {address}: {reason}.",
            hint="Download and unpack it on a machine with network access, and import that folder.",
            code="download",
        ) from None
    try:
        _unpack(archive, folder)
    except zipfile.BadZipFile:
        raise DatasetError(f"{address} is not a zip archive.", hint="Check --address.") from None
    finally:
        archive.unlink(missing_ok=True)
    return folder


def _download(address: str, archive: Path, advance: Progress) -> None:
    with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as response, archive.open("wb") as file:
        total, done = int(response.headers.get("Content-Length") or 0), 0
        while block := response.read(_BLOCK_BYTES):
            file.write(block)
            done += len(block)
            advance(done, total)
    if total and done != total:
        raise OSError(f"connection closed after {done:,} of {total:,} bytes")


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack NAME/audio/FILE and NAME/meta/FILE; the table last, so that it exists only once all audio does."""
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
        raise DatasetError(f"The archive does not contain {META}: it is not ESC-50.", hint="Check --address.")
