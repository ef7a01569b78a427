"""The jobs of a node in the store. The caller's session is the transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from tidzam.errors import RequestError
from tidzam.jobs.states import UNFINISHED, JobState, JobStatus, next_to_start
from tidzam.store.tables.jobs import JobRow
from tidzam.store.tables.places import NodeRow
from tidzam.store.upsert import insert_missing

MOST_WAITING: Final = 20
"""The maximum number of jobs that are not finished."""
_UNFINISHED: Final = tuple(state.value for state in UNFINISHED)


class JobQueue:
    """The jobs of the node with this name."""

    def __init__(self, session: Session, node: str) -> None:
        self._session, self._node = session, node

    def add(
        self, kind: str, title: str, parameters: Mapping[str, Any], *, user_id: int | None, now: datetime
    ) -> JobRow:
        """A job that waits for its turn. Raises RequestError (`too_many_jobs`)."""
        waiting = len(self.unfinished())
        if waiting >= MOST_WAITING:
            message = f"{waiting} jobs run or wait already."
            raise RequestError(message, hint="Wait for them, or cancel some.", code="too_many_jobs")
        insert_missing(self._session, NodeRow, [{"name": self._node}])
        node_id = self._session.scalars(select(NodeRow.id).where(NodeRow.name == self._node)).one()
        row = JobRow(
            node_id=node_id,
            kind=kind,
            title=title,
            parameters=dict(parameters),
            state=JobState.QUEUED.value,
            progress=None,
            message="",
            result=None,
            user_id=user_id,
            created=now,
            started=None,
            ended=None,
        )
        self._session.add(row)
        self._session.flush()
        return row

    def list(self, *, before: int | None = None, limit: int = 100, kinds: Sequence[str] = ()) -> Sequence[JobRow]:
        """The newest jobs, or those before the one with the number `before`; of some kinds, or all."""
        query = self._own().order_by(JobRow.id.desc()).limit(limit)
        if before is not None:
            query = query.where(JobRow.id < before)
        if kinds:
            query = query.where(JobRow.kind.in_(kinds))
        return self._session.scalars(query).all()

    def unfinished(self) -> Sequence[JobRow]:
        """The job that runs and those that wait, the oldest first."""
        return self._session.scalars(self._own().where(JobRow.state.in_(_UNFINISHED)).order_by(JobRow.id)).all()

    def find(self, number: int, *, to_change: bool = False) -> JobRow:
        """A job; one `to_change` is changed by nobody else until the transaction ends. Raises RequestError
        (`not_found`)."""
        query = self._own().where(JobRow.id == number)
        row = self._session.scalars(query.with_for_update(of=JobRow) if to_change else query).one_or_none()
        if row is None:
            raise RequestError(f"There is no job {number}.", code="not_found", field="id")
        return row

    def start_next(self, *, now: datetime) -> JobRow | None:
        """Mark the job whose turn it is as running; None if there is none, or one runs."""
        number = next_to_start([(row.id, JobState(row.state)) for row in self.unfinished()])
        if number is None:
            return None
        row = self.find(number, to_change=True)
        if row.state != JobState.QUEUED:  # somebody has cancelled it meanwhile
            return None
        row.started = now
        set_status(row, JobStatus(JobState.RUNNING), now=now)
        return row

    def _own(self) -> Select[JobRow]:
        return select(JobRow).join(NodeRow, NodeRow.id == JobRow.node_id).where(NodeRow.name == self._node)


def status_of_row(row: JobRow) -> JobStatus:
    """How far a job is, as the store has it."""
    return JobStatus(JobState(row.state), row.progress, row.message, row.result)


def set_status(row: JobRow, status: JobStatus, *, now: datetime) -> bool:
    """Store how far a job is. Returns whether that is new."""
    if status == status_of_row(row):
        return False
    row.state, row.progress, row.message = status.state.value, status.progress, status.message
    row.result = None if status.result is None else dict(status.result)
    if status.state.is_final:
        row.ended = now
    return True
