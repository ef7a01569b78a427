"""From the files of a recorder to FLAC files and predictions. Files that cannot be read are set aside."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from examples.anomaly.places import SoundFolders
from tidzam.audio.files import open_audio
from tidzam.errors import AudioError, NodeError

UNKNOWN: Final = "unknown"
"""The result of a file in which no window could be scored."""


def convert(folders: SoundFolders) -> None:
    """Make a FLAC file of each complete WAV file. Those that are being written are hidden.

    Raises NodeError if a file that can be read cannot be converted, as on a full disk.
    """
    folders.flac.mkdir(parents=True, exist_ok=True)
    for wav in sorted(folders.record_buffer.glob("[!.]*.wav")):
        flac = folders.flac / f"{wav.stem}.flac"
        fresh = flac.with_name(f".{flac.name}")
        done = subprocess.run(
            ["ffmpeg", "-loglevel", "error", "-y", "-i", wav, fresh], check=False, capture_output=True, text=True
        )
        if done.returncode == 0:
            fresh.replace(flac)
            wav.unlink()
            continue
        fresh.unlink(missing_ok=True)
        reason = _damage_in(wav)
        if reason is None:
            message = (done.stderr.strip().splitlines() or ["ffmpeg failed"])[-1]
            raise NodeError(f"{wav} cannot be converted: {message}.", hint="Is the disk full?")
        set_aside(folders, wav, reason)


def _damage_in(file: Path) -> str | None:
    """Why a file cannot be read; None if it can."""
    try:
        with open_audio(file) as audio:
            if not sum(block.size for block in audio.blocks()):
                return "it is empty"
    except AudioError as error:
        return error.message
    return None


def predict(folders: SoundFolders) -> None:
    """Append a row for each file that has none to the predictions, and keep a copy of those with unusual sound.

    The copy comes first: a file whose row is missing after a crash is predicted again. Raises NodeError if the analyzer
    fails or the table cannot be written.
    """
    known = {row[0] for row in rows_of(folders.predictions) if row}
    files = [path for path in sorted(folders.flac.glob("[!.]*.flac")) if path.name not in known]
    if not files or not folders.bundle.is_dir():
        return
    errors, results = _analyze(files, folders.bundle)
    for path, reason in errors.items():
        set_aside(folders, path, reason)
    rows = [(path.name, results.get(path, UNKNOWN)) for path in files if path not in errors]
    folders.predicted_records.mkdir(exist_ok=True)
    for path, result in results.items():
        if result == "anomaly":
            _copy(path, folders.predicted_records)
    try:
        with folders.predictions.open("a", encoding="utf-8", newline="") as table:
            csv.writer(table, lineterminator="\n").writerows(rows)
    except OSError as error:
        message = f"{folders.predictions} cannot be written: {error.strerror}."
        raise NodeError(message, hint="The files are predicted again at the next start.") from error
    for name, result in rows:
        print(f"{name}: {result}", flush=True)


def _analyze(files: Sequence[Path], bundle: Path) -> tuple[dict[Path, str], dict[Path, str]]:
    """Why files cannot be used, and the results of the others that were scored. Raises NodeError."""
    with tempfile.TemporaryDirectory() as temporary:
        table = Path(temporary) / "predictions.csv"
        options = ["--novelty", str(bundle), "--results", f"predictions:{table}", "--jobs", "1", "--json"]
        argv = [sys.executable, "-m", "analyzer", "--stream", *map(str, files), *options]
        done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, text=True)
        results = {Path(path): result for path, result in rows_of(table)}
    found = {Path(one["file"]): one.get("error") for one in map(json.loads, done.stdout.splitlines())}
    errors = {}
    for path in files:
        error = found.get(path, {"code": "", "message": f"the analyzer ended with exit code {done.returncode}"})
        if error is None:
            continue
        reason = error["message"] if error["code"].startswith("audio") else _damage_in(path)
        if reason is None:
            hint = "See the lines above."
            raise NodeError(f"{path} cannot be predicted: {error['message'].rstrip('.')}.", hint=hint)
        errors[path] = reason
    return errors, results


def _copy(path: Path, folder: Path) -> None:
    """Copy a file such that a copy is whole, whenever this ends."""
    fresh = folder / f".{path.name}"
    shutil.copy(path, fresh)
    fresh.replace(folder / path.name)


def set_aside(folders: SoundFolders, file: Path, reason: str) -> None:
    """Move a file that cannot be read out of the way."""
    folders.rejected.mkdir(exist_ok=True)
    file.replace(folders.rejected / file.name)
    print(f"{file.name}: set aside in {folders.rejected}: {reason.rstrip('.')}.", file=sys.stderr, flush=True)


def rows_of(table: Path) -> list[list[str]]:
    """The rows of a table, none if it is not there."""
    if not table.is_file():
        return []
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
