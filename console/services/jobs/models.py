"""Jobs as the REST API and pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from console.services.models import ConsoleModel
from tidzam.jobs.states import JobState
from tidzam.store.tables.jobs import JobRow


class JobView(ConsoleModel):
    """A job: long work of the node, such as a training."""

    id: int = Field(description="Number of the job, which grows")
    kind: str = Field(description="What is done: `recognizer`, `training`, `dataset`, …")
    title: str = Field(description="What is made, for people")
    parameters: Mapping[str, Any] = Field(description="How, as it was asked for; empty without the permission `manage`")
    state: JobState = Field(description="`queued`, `running`, `done`, `failed` or `cancelled`")
    progress: float | None = Field(description="What is done of it, 0 to 1; null while that is not known")
    message: str = Field(description="What is done at present, or why it failed; empty likewise")
    result: Mapping[str, Any] | None = Field(description="What it found; null until it is done, and likewise")
    created: datetime = Field(description="When somebody asked for it, UTC")
    started: datetime | None = Field(description="When its turn came, UTC; null while it waits")
    ended: datetime | None = Field(description="When it ended, UTC; null until then")

    def for_viewers(self) -> JobView:
        """The same for those who do not manage the node: without what may name files of it."""
        return self.model_copy(update={"parameters": {}, "message": "", "result": None})


class JobList(ConsoleModel):
    """Jobs, the newest first."""

    items: tuple[JobView, ...] = Field(description="The jobs")
    next: int | None = Field(description="`before` of the next page; null if there is none")


class JobLog(ConsoleModel):
    """What the process of a job has written."""

    lines: tuple[str, ...] = Field(description="Its last lines, the oldest first")


def view_of(row: JobRow) -> JobView:
    """A job of the store."""
    return JobView(
        id=row.id,
        kind=row.kind,
        title=row.title,
        parameters=row.parameters,
        state=JobState(row.state),
        progress=None if row.progress is None else round(row.progress, 4),
        message=row.message,
        result=row.result,
        created=row.created,
        started=row.started,
        ended=row.ended,
    )
