"""What people and programs do with jobs: ask for one, look at them, cancel one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from console.accounts.visitor import Visitor
from console.live.notices import Notices
from console.services.jobs.models import JobList, JobLog, JobView, view_of
from console.services.jobs.watch import JobWatch
from tidzam.accounts.audit import AuditAction, record
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.jobs.queue import JobQueue, set_status
from tidzam.jobs.states import JobState, JobStatus
from tidzam.store.database import Store
from tidzam.store.tables.jobs import JobRow

LOG_LINES: Final = 200
FOLDER: Final = "{job folder}"
"""What stands for the folder of a job in its command line, before there is one."""


@dataclass(frozen=True, kw_only=True)
class JobOrder:
    """A job that somebody asks for.

    `argv` is its command line, in which `FOLDER` stands for the folder of the job; `files` are the texts of its input
    files by their names there. It reports as `tidzam.jobs.reports` says. One that `is_only` is refused while another of
    its kind and title waits or runs.
    """

    kind: str
    title: str
    parameters: Mapping[str, Any]
    argv: Sequence[str]
    files: Mapping[str, str] = field(default_factory=dict)
    is_only: bool = False


class JobDesk:
    """The jobs of the node called `node`, for visitors. `watch` looks after them."""

    def __init__(self, store: Store, node: str, watch: JobWatch) -> None:
        self._store, self._node, self.watch = store, node, watch

    def submit(self, visitor: Visitor, order: JobOrder, *, now: datetime) -> JobView:
        """A new job, which starts when its turn comes. Raises RequestError (`job_unfinished`,
        `too_many_jobs`) and OSError."""
        return self.submit_all(visitor, [order], now=now)[0]

    def submit_all(self, visitor: Visitor, orders: Sequence[JobOrder], *, now: datetime) -> tuple[JobView, ...]:
        """The same for several: all of them, or none."""
        with self._store.write() as session:
            queue, user_id = JobQueue(session, self._node), visitor.user_id
            _require_only(orders, queue.unfinished())
            rows = [queue.add(one.kind, one.title, one.parameters, user_id=user_id, now=now) for one in orders]
            for row, order in zip(rows, orders, strict=True):
                folder = self.watch.folder_of(row)
                folder.prepare([word.replace(FOLDER, str(folder.root)) for word in order.argv], order.files)
                record(session, visitor.actor, AuditAction.JOB_STARTED, f"job {row.id}", now=now, title=order.title)
        for row in rows:
            self.watch.publish(row)
        self.watch.look()
        return tuple(map(view_of, rows))

    def list_jobs(self, *, before: int | None = None, limit: int = 50, kinds: Sequence[str] = ()) -> JobList:
        """The newest jobs, or those before the one with the number `before`; of some kinds, or all."""
        with self._store.read() as session:
            found = JobQueue(session, self._node).list(before=before, limit=limit + 1, kinds=kinds)
            shown = tuple(map(view_of, found[:limit]))
        return JobList(items=shown, next=shown[-1].id if len(found) > limit else None)

    def find_job(self, number: int) -> JobView:
        """A job. Raises RequestError (`not_found`)."""
        with self._store.read() as session:
            return view_of(JobQueue(session, self._node).find(number))

    def cancel(self, visitor: Visitor, number: int, *, now: datetime) -> JobView:
        """End a job that waits or runs; one that runs takes a moment.

        Raises RequestError (`not_found`, `job_ended`).
        """
        with self._store.write() as session:
            row = JobQueue(session, self._node).find(number, to_change=True)
            state = JobState(row.state)
            if state.is_final:
                message = f"Job {number} has ended already: it is {state}."
                raise RequestError(message, code="job_ended", field="id")
            if state is JobState.QUEUED:
                set_status(row, JobStatus(JobState.CANCELLED), now=now)
            else:
                self.watch.folder_of(row).cancel()
            record(session, visitor.actor, AuditAction.JOB_CANCELLED, f"job {number}", now=now, title=row.title)
        self.watch.publish(row)
        self.watch.look()
        return view_of(row)

    def log(self, number: int, *, lines: int = LOG_LINES) -> JobLog:
        """The last lines that the process of a job has written. Raises RequestError (`not_found`)."""
        return JobLog(lines=tuple(self.watch.folder_of(self.find_job(number)).tail(lines)))


def _require_only(orders: Sequence[JobOrder], unfinished: Sequence[JobRow]) -> None:
    """Raises RequestError (`job_unfinished`) if a job that must be the only one is not."""
    numbers = {(row.kind, row.title): row.id for row in unfinished}
    for one in orders:
        if one.is_only and (number := numbers.get((one.kind, one.title))) is not None:
            message = f"name: job {number} for {one.title!r} waits or runs already."
            raise RequestError(message, hint="Wait for it, or cancel it.", code="job_unfinished", field="name")


def job_desk(store: Store, settings: Settings, notices: Notices, *, now: Callable[[], datetime]) -> JobDesk:
    """The jobs of the node of `settings`. `notices` inform browsers."""
    node = settings.node.known_as
    return JobDesk(store, node, JobWatch(store, home=settings.home, node=node, notices=notices, now=now))
