"""Retention of recordings whose source has no recorder now: it was removed, is unloaded, or has not played yet."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Never

from stream_manager.recorder.control import RecordingControl
from stream_manager.recorder.folder import final_path, recording_files
from stream_manager.recorder.retention_run import Retention, RetentionResult, retention_pause_s
from stream_manager.recordings.database import DatabaseOptions
from stream_manager.recordings.reports import RecordingReports
from tidzam.config import SourceSettings
from tidzam.config.recording import RecordSettings
from tidzam.naming import source_name, split_date

log = logging.getLogger(__name__)

_FIRST_S: Final = 60.0
"""When the first run begins: sources that are loaded at the start have their recorders then."""

Files = Mapping[str, Sequence["os.DirEntry[str]"]]
"""The recordings in a folder, by the names of their sources."""


class UnattendedRecordings:
    """Deletes recordings that nothing else would delete, as the settings of their source say.

    Those are `record` of the sources `profile` that have it, and `default` for all others, whose recordings are in its
    folder. `control` has the sources whose recorders delete their recordings themselves.
    """

    def __init__(
        self,
        profile: Collection[SourceSettings],
        default: RecordSettings,
        control: RecordingControl,
        reports: RecordingReports | None = None,
    ) -> None:
        self._profile, self._default, self._control, self._reports = profile, default, control, reports
        self._retentions: dict[str, Retention] = {}
        self._doubtful: set[str] = set()
        """The sources about whose dates a warning was logged."""
        self._failure: str | None = None

    async def run(self) -> Never:
        """Delete regularly, and let the audit log have the deletions of the days that are over, until cancelled."""
        pause_s = _FIRST_S
        while True:
            await asyncio.sleep(pause_s)
            began_s = time.monotonic()
            await self.apply()
            if self._reports is not None:
                await asyncio.to_thread(self._reports.end_days)
            pause_s = retention_pause_s(time.monotonic() - began_s)

    async def apply(self) -> None:
        """Delete what is due now."""
        failures = []
        try:
            files = await asyncio.to_thread(_files, self._default.path) if self._default.keep.deletes else {}
        except OSError as error:
            files, failures = {}, [str(error)]
        chosen = unattended(files, self._profile, self._default, retained=self._control.retained)
        self._retentions = {
            name: self._retentions.get(name) or Retention(name, record) for name, record in chosen.items()
        }
        for name, retention in self._retentions.items():
            if name in self._control.retained:  # its recorder has begun meanwhile
                continue
            try:
                result = await asyncio.to_thread(retention.apply, files.get(name))
            except (OSError, sqlite3.Error) as error:
                result = RetentionResult(failure=str(error))
            await self._report(name, result)
            if result.failure is not None:
                failures.append(f"{name}: {result.failure}")
        self._log("; ".join(failures) or None)

    async def _report(self, name: str, result: RetentionResult) -> None:
        if self._reports is not None and result.deletions:
            gone = [one.file.path for one in result.deletions]
            await asyncio.to_thread(self._reports.deleted, name, gone)
        for deletion in result.deletions:
            log.info("%s, which is not being recorded: deleted %s: %s", name, deletion.file.path, deletion.reason)
        if result.doubts is None:
            self._doubtful.discard(name)
        elif name not in self._doubtful:
            self._doubtful.add(name)
            log.warning("%s: %s", name, result.doubts)

    def _log(self, failure: str | None) -> None:
        if failure is not None and failure != self._failure:
            log.error("recordings cannot be deleted: %s", failure)
        self._failure = failure


def unattended(
    names: Iterable[str], profile: Iterable[SourceSettings], default: RecordSettings, *, retained: Collection[str]
) -> Mapping[str, RecordSettings]:
    """The sources whose recordings nothing else deletes, each with the settings of its recordings. Pure.

    `names` are those of the recordings in the folder of `default`, `retained` the sources with a recorder. Of a source
    of the profile with its own `record`, what is in the folder of `default` stays, as do recordings that the profile
    only plays again (`path_database`).
    """
    sources = tuple(profile)
    own = {source.name: source.record for source in sources if source.record is not None}
    foreign = frozenset[str]().union(*(_archived(source, default.path) for source in sources))
    others = {name: default for name in names if name not in own and name not in foreign and _is_source_name(name)}
    return {name: record for name, record in (own | others).items() if record.keep.deletes and name not in retained}


def _archived(source: SourceSettings, folder: Path) -> frozenset[str]:
    """What begins the names of the recordings in `folder` that `source` only plays."""
    options = None if source.path_database is None else DatabaseOptions.of(source)
    return frozenset() if options is None or options.folder.resolve() != folder.resolve() else options.prefixes


def _is_source_name(name: str) -> bool:
    try:
        return source_name(name) == name
    except ValueError:
        return False


def _files(folder: Path) -> Files:
    """The recordings in a folder, also held ones; none if there is no folder. Raises OSError."""
    found = defaultdict[str, list["os.DirEntry[str]"]](list)
    if folder.is_dir():
        for entry in recording_files(folder):
            name, start = split_date(final_path(Path(entry.name)).stem)
            if start is not None:
                found[name].append(entry)
    return found
