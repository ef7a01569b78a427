"""REST: backups of the node."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from console.services.backups import BackupList
from console.services.jobs.models import JobView
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/backups", tags=["Node"], dependencies=[needs(Permission.MANAGE)])


@router.get("")
def list_backups(runtime: Runtime) -> BackupList:
    """The backups in the folder of the settings."""
    return runtime.backups.list_backups()


@router.post("", status_code=202)
def create_backup(visitor: CurrentVisitor, runtime: Runtime) -> JobView:
    """Make a backup, without credentials. It is a job: `/api/v1/jobs` shows its progress."""
    return runtime.backups.create(visitor)


@router.post("/{name}/verify", status_code=202)
def verify_backup(
    name: Annotated[str, Path(max_length=64, description="Name of the backup")],
    visitor: CurrentVisitor,
    runtime: Runtime,
) -> JobView:
    """Compare every file of a backup with its checksum. It is a job, whose result names what is damaged."""
    return runtime.backups.verify(visitor, name)
