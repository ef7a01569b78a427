"""Backups of the node: those in the folder of the settings, and jobs that make and verify them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import Field

from console.accounts.visitor import Visitor
from console.services.jobs.models import JobView
from console.services.jobs.requests import JobDesk, JobOrder
from console.services.models import ConsoleModel
from tidzam.backup.record import BackupRecord
from tidzam.backup.shelf import BackupShelf
from tidzam.config import Settings
from tidzam.errors import RequestError

CREATE: Final = "backup"
VERIFY: Final = "backup_check"
KINDS: Final = (CREATE, VERIFY)


class BackupView(ConsoleModel):
    """A complete backup."""

    name: str = Field(description="Its name: when it was begun, UTC")
    created: datetime = Field(description="When it was begun, UTC")
    node: str = Field(description="The node that it is of")
    version: str = Field(description="Version of Tidzam that made it")
    files: int = Field(description="Number of files")
    bytes: int = Field(description="Size of all files")
    new_bytes: int = Field(description="What of that is not shared with the backup before")
    unreadable: int = Field(description="Number of files that could not be read, and are missing")


class BackupList(ConsoleModel):
    """The backups of the folder `console.backups`."""

    folder: str | None = Field(description="The folder; null if the settings name none")
    backups: tuple[BackupView, ...] = Field(description="The complete ones, the newest first")
    damaged: tuple[str, ...] = Field(description="What is wrong with those that cannot be listed")


@dataclass(frozen=True, kw_only=True)
class NodeBackups:
    """Backups of the node with `settings`; `jobs` do the work."""

    settings: Settings
    jobs: JobDesk
    now: Callable[[], datetime]

    def list_backups(self) -> BackupList:
        """The backups, read from their folder. Raises OSError if it cannot be read."""
        folder, damaged = self.settings.console.backups, list[str]()
        records = [] if folder is None else BackupShelf(folder.absolute()).readable(damaged.append)
        views = tuple(map(_view, reversed(records)))
        return BackupList(folder=None if folder is None else str(folder), backups=views, damaged=tuple(damaged))

    def create(self, visitor: Visitor) -> JobView:
        """Make a backup, as a job. Raises RequestError (`no_backup_folder`)."""
        folder, home = self._places()
        keep = self.settings.console.keep_backups
        argv = [*_COMMAND, "create", str(folder), "--home", str(home)]
        argv += [] if keep is None else ["--keep", str(keep)]
        return self._submit(visitor, JobOrder(kind=CREATE, title="Backup", parameters={}, argv=argv))

    def verify(self, visitor: Visitor, name: str) -> JobView:
        """Verify a backup, as a job. Raises RequestError (`no_backup_folder`, `not_found`)."""
        folder, _ = self._places()
        if all(one.name != name for one in self.list_backups().backups):
            raise RequestError(f"There is no backup {name[:64]!r}.", code="not_found", field="name")
        argv = [*_COMMAND, "verify", str(folder), name]
        title = f"Verification of the backup {name}"
        return self._submit(visitor, JobOrder(kind=VERIFY, title=title, parameters={"backup": name}, argv=argv))

    def _places(self) -> tuple[Path, Path]:
        folder, home = self.settings.console.backups, self.settings.home
        if folder is None or home is None:
            hint = "Set console.backups in the profile, to a folder on another disk."
            raise RequestError("The settings name no folder for backups.", hint=hint, code="no_backup_folder")
        return folder.absolute(), home

    def _submit(self, visitor: Visitor, order: JobOrder) -> JobView:
        return self.jobs.submit(visitor, order, now=self.now())


_COMMAND: Final = (sys.executable, "-P", "-m", "tidzam.backup")


def _view(record: BackupRecord) -> BackupView:
    return BackupView(
        name=record.name,
        created=record.created,
        node=record.node,
        version=record.program,
        files=record.files,
        bytes=record.bytes,
        new_bytes=record.new_bytes,
        unreadable=len(record.unreadable),
    )
