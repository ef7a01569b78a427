"""A job's process: its reports, its end, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.jobs import WAITS, final_status, processes_of, program, runner_of, running_job
from tidzam.jobs.folder import JobFolder
from tidzam.jobs.launch import launch
from tidzam.jobs.runner import NICENESS
from tidzam.jobs.states import KILLED, STOPPED, JobState, settled
from tidzam.node.cleanup import end_processes
from tidzam.node.home import Home

pytestmark = pytest.mark.timeout(60)


def reports_progress(folder: JobFolder) -> bool:
    reported = folder.signs().reported
    return reported is not None and reported.progress == 0.25


@contextmanager
def waiting_job(home: Path) -> Iterator[JobFolder]:
    """A job that has reported, and goes on until it is ended."""
    with running_job(home, WAITS) as folder:
        eventually(lambda: reports_progress(folder), what="the job reports", within_s=30)
        yield folder


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[JobFolder]:
    with waiting_job(tmp_path) as folder:
        yield folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobFolder]:
    """A job for tests that do not end it."""
    with waiting_job(tmp_path_factory.mktemp("shared")) as folder:
        yield folder


def test_the_result_of_the_command_is_that_of_the_job(tmp_path: Path) -> None:
    argv = program("print('loading')", "writer.progress(0.5)", "writer.result({'version': '1'})")
    with running_job(tmp_path, argv) as folder:
        status = final_status(folder)
    assert (status.state, status.progress, status.result) == (JobState.DONE, 1.0, {"version": "1"})
    assert folder.tail(5) == ["loading"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["writer.failure(__import__('tidzam.errors').errors.DatasetError('No tags.'))", "exit(1)"], "No tags."),
        (["raise OSError('the disk is full')"], "OSError: the disk is full"),
        (["exit(3)"], "It ended with status 3."),
        (["import os; os.kill(os.getpid(), 9)"], KILLED),
    ],
)
def test_a_command_that_fails_is_a_failure_with_its_reason(tmp_path: Path, lines: list[str], message: str) -> None:
    with running_job(tmp_path, program(*lines)) as folder:
        status = final_status(folder)
    assert (status.state, status.message) == (JobState.FAILED, message)


def test_a_command_that_does_not_exist_is_a_failure(tmp_path: Path) -> None:
    with running_job(tmp_path, [str(tmp_path / "nothing")]) as folder:
        assert final_status(folder).message.startswith("It could not be started: ")


def test_it_makes_way_for_programs_that_hear_something(shared: JobFolder) -> None:
    home = shared.root.parent.parent
    assert min(process.nice() for process in processes_of(home)) >= NICENESS


def test_it_is_in_the_session_of_the_console_where_priorities_count(shared: JobFolder) -> None:
    runner = runner_of(shared.root.parent.parent)
    assert os.getsid(runner.pid) == os.getsid(0)
    assert os.getpgid(runner.pid) != os.getpgid(0)


def test_it_runs_once(shared: JobFolder) -> None:
    assert launch(shared, home=shared.root.parent.parent) is None


def test_one_that_is_cancelled_ends_with_its_command(waiting: JobFolder) -> None:
    waiting.cancel()
    assert final_status(waiting).state is JobState.CANCELLED
    assert processes_of(waiting.root.parent.parent) == []


def test_one_whose_command_has_closed_its_output_is_cancelled(tmp_path: Path) -> None:
    with running_job(
        tmp_path, program("writer.progress(0.25)", "import os, time; os.close(1); time.sleep(120)")
    ) as job:
        eventually(lambda: reports_progress(job), what="the job reports", within_s=30)
        job.cancel()
        assert final_status(job).state is JobState.CANCELLED


def test_a_process_that_keeps_the_output_open_does_not_keep_the_job(tmp_path: Path) -> None:
    leaves = program("import subprocess; subprocess.Popen(['sleep', '120'])", "writer.result({'version': '1'})")
    with running_job(tmp_path, leaves) as job:
        assert final_status(job).state is JobState.DONE


def test_it_ends_with_its_node_and_says_so(waiting: JobFolder) -> None:
    home = waiting.root.parent.parent
    assert end_processes(Home(home.resolve())) >= 2
    assert processes_of(home) == []
    status = final_status(waiting)
    assert (status.state, status.message) == (JobState.FAILED, STOPPED)


def test_one_that_is_killed_leaves_no_command_behind(waiting: JobFolder) -> None:
    home = waiting.root.parent.parent
    runner_of(home).send_signal(signal.SIGKILL)
    eventually(lambda: not processes_of(home), what="the command has ended")
    running = final_status(waiting)
    assert settled(running, waiting.signs()).message == KILLED


def test_others_cannot_read_its_files(shared: JobFolder) -> None:
    assert shared.root.stat().st_mode & 0o077 == 0
