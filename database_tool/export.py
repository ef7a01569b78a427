"""Export a dataset as a CSV list, or as audio files in one folder per class."""

from __future__ import annotations

import os
from pathlib import Path

import soundfile

from database_tool.cutting import audio_of
from tidzam.dataset import Dataset
from tidzam.dataset.origins import write_row
from tidzam.errors import AudioError, DatasetError
from tidzam.progress import Progress, Say

COLUMNS = ("file", "start", "end", "label", "channel", "group")


def export_list(dataset: Dataset, path: Path) -> int:
    """Write a CSV list with one row per sample, as `import csv` reads it. Returns the number of rows.

    Raises DatasetError if it cannot be written.
    """
    window_s = dataset.spec.window_s
    try:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            write_row(file, COLUMNS)
            for origin, label in zip(dataset.origins(), dataset.labels.tolist(), strict=True):
                start, end = f"{origin.offset_s:.6f}", f"{origin.offset_s + window_s:.6f}"
                channel = "" if origin.channel is None else origin.channel
                write_row(file, (origin.file, start, end, dataset.classes[label], channel, origin.group))
    except OSError as error:
        raise _unwritable(path, error) from None
    return len(dataset)


def export_clips(dataset: Dataset, folder: Path, *, say: Say, advance: Progress) -> tuple[int, int]:
    """Write the audio of each sample, cut from its file, as FLAC at its own rate: FOLDER/CLASS/NUMBER-NAME.flac.

    Returns the number of files written, and of samples whose files cannot be read, which are reported. Raises
    DatasetError if a file cannot be written.
    """
    written, unreadable = 0, set[str]()
    for number, origin in enumerate(dataset.origins()):
        label = dataset.classes[dataset.labels[number]]
        try:
            audio, rate_hz = audio_of(origin, dataset.spec.window_s)
        except AudioError as error:
            if origin.file not in unreadable:
                say(f"left out: {error.message}")
            unreadable.add(origin.file)
            continue
        path = folder / label / f"{number:06d}-{Path(origin.file).stem}.flac"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(os.fsencode(path), audio, rate_hz, subtype="PCM_16")
        except (OSError, soundfile.LibsndfileError) as error:
            raise _unwritable(path, error) from None
        written += 1
        advance(number + 1, len(dataset))
    return written, len(dataset) - written


def _unwritable(path: Path, error: Exception) -> DatasetError:
    reason = getattr(error, "strerror", None) or error
    return DatasetError(f"{path} cannot be written: {reason}.", hint="Make room, or choose another path.")
