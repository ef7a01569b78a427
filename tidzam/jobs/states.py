"""The states of a job and what follows from what is known of its process. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

KILLED = "Its process was killed, perhaps for lack of memory."
RESTARTED = "The machine was restarted while it ran."
STOPPED = "The node was stopped while it ran."
LOST = "Its files are gone."
RESTORED = "The node was restored from a backup that was made before it ended."


class JobState(StrEnum):
    """Where a job is between the request and its end."""

    QUEUED = "queued"
    """It waits for the one that runs."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Its message says why."""
    CANCELLED = "cancelled"
    """Somebody did not want it any more."""

    @property
    def is_final(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class JobStatus:
    """How far a job is: `progress` from 0 to 1, None while that is unknown, and a `message` for people.

    `result` is what it found, once it is done.
    """

    state: JobState
    progress: float | None = None
    message: str = ""
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class JobSigns:
    """What a running job has left to see: its last status, None before the first; whether its process is alive, and
    whether this is still the same start of the machine. Without `has_files`, its folder was removed."""

    reported: JobStatus | None
    is_alive: bool
    is_same_boot: bool
    has_files: bool = True


def settled(known: JobStatus, signs: JobSigns) -> JobStatus:
    """The status of a running job.

    What its process reported counts, also if it has ended since. One that has ended without a report of its end has
    failed.

    >>> died = JobSigns(JobStatus(JobState.RUNNING, 0.4), is_alive=False, is_same_boot=True)
    >>> settled(JobStatus(JobState.RUNNING), died).message
    'Its process was killed, perhaps for lack of memory.'
    """
    reported = signs.reported
    if reported is not None and reported.state.is_final:
        return reported
    latest = reported or known
    if signs.is_alive:
        return latest
    reason = LOST if not signs.has_files else KILLED if signs.is_same_boot else RESTARTED
    return JobStatus(JobState.FAILED, latest.progress, reason)


def next_to_start(unfinished: Sequence[tuple[int, JobState]]) -> int | None:
    """The job to start of those that are not finished, by their numbers: the oldest, unless one runs.

    >>> next_to_start([(7, JobState.QUEUED), (8, JobState.QUEUED)])
    7
    >>> next_to_start([(6, JobState.RUNNING), (7, JobState.QUEUED)]) is None
    True
    """
    if any(state is JobState.RUNNING for _, state in unfinished):
        return None
    return min((number for number, state in unfinished if state is JobState.QUEUED), default=None)
