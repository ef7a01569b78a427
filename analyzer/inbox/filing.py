"""Where an analyzed file goes, and the moving and deleting of files, which survive a power cut."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from analyzer.archive.job import FileOutcome
from analyzer.files.analysis import FileReport
from analyzer.inbox.entries import InboxEntry
from analyzer.inbox.folder import WaitingFile, stamp_of
from tidzam.atomic import sync_folder
from tidzam.config.edge import EdgeSettings
from tidzam.edge_folders import EdgeFolders
from tidzam.labels import is_no_sound
from tidzam.naming import numbered
from tidzam.patterns import matches
from tidzam.results import Detection
from tidzam.temporaries import temporary_file


def target_of(file: WaitingFile, outcome: FileOutcome, settings: EdgeSettings) -> str:
    """Where a file goes, relative to the folder of the node's files; an empty text if it is deleted.

    A file that could not be analyzed goes to `rejected`. One with speech is deleted if speech is detected at all. No
    other file has the name.
    """
    folders = EdgeFolders(settings.folder)
    if outcome.report is None:
        folder = folders.rejected
    elif is_kept(outcome, settings) and not _has_speech(outcome.report):
        folder = folders.parsed
    else:
        return ""
    return str(_free(folder / file.name).relative_to(folders.root))


def is_kept(outcome: FileOutcome, settings: EdgeSettings) -> bool:
    """Whether the settings keep a file that was analyzed."""
    return settings.keep == "all" or (settings.keep == "detections" and bool(sought(outcome, settings)))


def sought(outcome: FileOutcome, settings: EdgeSettings) -> Sequence[Detection]:
    """The detections for which a file is kept: those of the settings' classes, without those of no sound."""
    return [
        found
        for found in outcome.found
        if not is_no_sound(found.path) and any(matches(label, settings.classes) for label in found.path)
    ]


def _has_speech(report: FileReport) -> bool:
    """Whether speech was detected in a file."""
    privacy = report.privacy or {}
    return any(channel["speech_s"] > 0 for channel in privacy.get("channels", ()))


def _free(path: Path) -> Path:
    """`path`, or if that exists, with a number: the clock was set back, and the file before has the same name."""
    return next(free for free in numbered(path) if not free.exists())


def put_away(entry: InboxEntry, folders: EdgeFolders) -> None:
    """Move a file to its place, or delete it; nothing if that was done before. On disk afterwards. Raises OSError."""
    path = folders.to_parse / entry.name
    if stamp_of(path) != entry.stamp:  # done before; another file may have the name by now
        return
    if not entry.target:
        path.unlink()
    else:
        target = folders.root / entry.target
        target.parent.mkdir(exist_ok=True)
        _move(path, target)
        sync_folder(target.parent)
    sync_folder(path.parent)


def _move(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with temporary_file(target.parent) as (fresh, file):  # the target is on another file system
            with path.open("rb") as original:
                shutil.copyfileobj(original, file)
            shutil.copystat(path, fresh)
            file.flush()
            os.fsync(file.fileno())
            fresh.replace(target)
        sync_folder(target.parent)
        path.unlink()
