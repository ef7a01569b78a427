"""What follows from what is known of a job, without processes."""

from __future__ import annotations

import pytest

from tidzam.jobs.states import KILLED, LOST, RESTARTED, JobSigns, JobState, JobStatus, next_to_start, settled

KNOWN = JobStatus(JobState.RUNNING, 0.2, "computing embeddings")
LATER = JobStatus(JobState.RUNNING, 0.6, "computing embeddings")
DONE = JobStatus(JobState.DONE, 1.0, "", {"version": "1"})


def test_a_job_that_lives_is_where_it_reported_last() -> None:
    assert settled(KNOWN, JobSigns(LATER, is_alive=True, is_same_boot=True)) == LATER


def test_a_job_that_has_not_reported_yet_is_where_it_was() -> None:
    assert settled(KNOWN, JobSigns(None, is_alive=True, is_same_boot=False)) == KNOWN


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_reported_end_counts_whether_or_not_its_process_is_gone(is_alive: bool) -> None:
    assert settled(KNOWN, JobSigns(DONE, is_alive=is_alive, is_same_boot=True)) == DONE


@pytest.mark.parametrize(
    ("signs", "reason"),
    [
        (JobSigns(LATER, is_alive=False, is_same_boot=True), KILLED),
        (JobSigns(LATER, is_alive=False, is_same_boot=False), RESTARTED),
        (JobSigns(None, is_alive=False, is_same_boot=False, has_files=False), LOST),
    ],
)
def test_an_end_without_a_report_is_a_failure_with_its_reason(signs: JobSigns, reason: str) -> None:
    found = settled(KNOWN, signs)
    assert (found.state, found.message) == (JobState.FAILED, reason)


def test_a_failure_keeps_how_far_it_was() -> None:
    assert settled(KNOWN, JobSigns(LATER, is_alive=False, is_same_boot=True)).progress == 0.6


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({}, None),
        ({3: JobState.QUEUED, 4: JobState.QUEUED}, 3),
        ({3: JobState.QUEUED, 4: JobState.RUNNING}, None),
    ],
)
def test_jobs_run_one_after_the_other(states: dict[int, JobState], expected: int | None) -> None:
    assert next_to_start(list(states.items())) == expected
