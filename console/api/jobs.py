"""REST: jobs, which are long work of the node such as a training."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from console.accounts.visitor import Visitor
from console.services.jobs.models import JobList, JobLog, JobView
from console.services.jobs.requests import LOG_LINES
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/jobs", tags=["Jobs"])

_VIEW, _MANAGE = needs(Permission.VIEW), needs(Permission.MANAGE)
JobNumber = Annotated[int, Path(alias="id", ge=0, lt=1 << 62, description="Number of the job")]


@router.get("", dependencies=[_VIEW])
def list_jobs(
    runtime: Runtime,
    visitor: CurrentVisitor,
    before: Annotated[int | None, Query(ge=0, lt=1 << 62, description="The `next` of the page before")] = None,
    kind: Annotated[list[Annotated[str, Field(max_length=32)]] | None, Query(max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Maximum number of jobs")] = 50,
) -> JobList:
    """Jobs of the node, the newest first; of some kinds, or all. Who may not manage it does not see their parameters,
    messages and results, which name files."""
    found = runtime.jobs.list_jobs(before=before, limit=limit, kinds=kind or ())
    return JobList(items=tuple(_shown(one, visitor) for one in found.items), next=found.next)


@router.get("/{id}", dependencies=[_VIEW])
def read_job(runtime: Runtime, visitor: CurrentVisitor, number: JobNumber) -> JobView:
    """A job, and how far it is. Who may not manage the node does not see its parameters, message and result."""
    return _shown(runtime.jobs.find_job(number), visitor)


@router.get("/{id}/log", dependencies=[_MANAGE])
def read_job_log(
    runtime: Runtime,
    number: JobNumber,
    lines: Annotated[int, Query(ge=1, le=2000, description="Maximum number of lines")] = LOG_LINES,
) -> JobLog:
    """The last lines that the process of a job has written. Those of old jobs are deleted."""
    return runtime.jobs.log(number, lines=lines)


@router.post("/{id}/cancel", dependencies=[_MANAGE])
def cancel_job(runtime: Runtime, visitor: CurrentVisitor, number: JobNumber) -> JobView:
    """End a job that waits or runs. One that runs is `cancelled` a moment later."""
    return runtime.jobs.cancel(visitor, number, now=runtime.now())


def _shown(job: JobView, visitor: Visitor) -> JobView:
    return job if visitor.may(Permission.MANAGE) else job.for_viewers()
