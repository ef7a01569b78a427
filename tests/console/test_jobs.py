"""Jobs of the console: asked for, followed over restarts, cancelled, and failed with a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.accounts.visitor import Visitor
from console.live.notices import Notices
from console.services.jobs.models import JobView
from console.services.jobs.requests import FOLDER, JobDesk, JobOrder
from console.services.jobs.watch import JobWatch
from tests.support.console import ConsoleUnderTest, StoppedClock, console_under_test
from tests.support.eventually import eventually, eventually_async
from tests.support.jobs import WAITS, end_jobs, final_status, program, runner_of
from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.accounts.roles import PERMISSIONS, Role
from tidzam.errors import RequestError
from tidzam.jobs.folder import JobFolder
from tidzam.jobs.queue import MOST_WAITING, set_status
from tidzam.jobs.states import KILLED, LOST, JobState, JobStatus
from tidzam.store.database import Store
from tidzam.store.tables.jobs import JobRow

pytestmark = pytest.mark.timeout(90)

on_one_store = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
MANAGER = Visitor(permissions=PERMISSIONS[Role.MANAGER], address="127.0.0.1", name="manager")
QUICK = program("writer.result({'version': '1'})")


def desk_of(store: Store, home: Path, node: str = "marsh") -> JobDesk:
    """The jobs as a console that has just been started has them."""
    clock, notices = StoppedClock(), Notices()
    return JobDesk(store, node, JobWatch(store, home=home, node=node, notices=notices, now=clock))


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[JobDesk]:
    yield desk_of(store, tmp_path)
    end_jobs(tmp_path)


def submit(desk: JobDesk, argv: list[str] = QUICK, **files: str) -> int:
    order = JobOrder(kind="test", title="herons", parameters={"tags": ["heron"]}, argv=argv, files=files)
    return desk.submit(MANAGER, order, now=StoppedClock()()).id


def until(desk: JobDesk, number: int, *states: JobState) -> JobView:
    """Step until the job has one of these states."""

    def has_come() -> bool:
        desk.watch.step()
        return desk.find_job(number).state in states

    eventually(has_come, what=f"the job is {' or '.join(states)}", within_s=30)
    return desk.find_job(number)


def until_reported(desk: JobDesk, number: int) -> None:
    def has_reported() -> bool:
        desk.watch.step()
        return desk.find_job(number).progress == 0.25

    eventually(has_reported, what="the job has reported", within_s=30)


def test_jobs_run_one_after_the_other(desk: JobDesk) -> None:
    first, second = submit(desk), submit(desk)
    desk.watch.step()
    assert [job.state for job in desk.list_jobs().items] == [JobState.QUEUED, JobState.RUNNING]
    assert until(desk, first, JobState.DONE).result == {"version": "1"}
    assert until(desk, second, JobState.DONE).ended is not None


@on_one_store
def test_a_job_reads_its_input_files(desk: JobDesk) -> None:
    argv = program("import sys; writer.result({'text': open(sys.argv[1]).read()})")
    number = submit(desk, [*argv, f"{FOLDER}/table.csv"], **{"table.csv": "file,tag"})
    assert until(desk, number, JobState.DONE).result == {"text": "file,tag"}


def test_a_console_that_was_restarted_follows_the_job(desk: JobDesk, store: Store, tmp_path: Path) -> None:
    number = submit(desk, WAITS)
    until_reported(desk, number)
    later = desk_of(store, tmp_path)
    later.watch.step()
    assert later.find_job(number).message == "listening"
    later.cancel(MANAGER, number, now=StoppedClock()())
    assert until(later, number, JobState.CANCELLED, JobState.FAILED).state is JobState.CANCELLED


@on_one_store
def test_a_job_that_ended_while_no_console_ran_is_done(desk: JobDesk, store: Store, tmp_path: Path) -> None:
    number = submit(desk)
    desk.watch.step()
    final_status(desk.watch.folder_of(desk.find_job(number)))
    later = desk_of(store, tmp_path)
    later.watch.step()
    assert later.find_job(number).state is JobState.DONE


@on_one_store
def test_a_job_whose_process_was_killed_has_failed_and_the_next_one_starts(desk: JobDesk, tmp_path: Path) -> None:
    number, following = submit(desk, WAITS), submit(desk)
    until_reported(desk, number)
    runner_of(tmp_path).kill()
    assert until(desk, number, JobState.FAILED).message == KILLED
    until(desk, following, JobState.DONE)


@on_one_store
def test_a_job_without_files_has_failed(desk: JobDesk) -> None:
    """As after a store was restored into another home."""
    number = submit(desk, WAITS)
    until_reported(desk, number)
    desk.watch.folder_of(desk.find_job(number)).remove()
    assert until(desk, number, JobState.FAILED).message in (KILLED, LOST)


def test_a_job_that_waits_is_cancelled_at_once(desk: JobDesk) -> None:
    number = submit(desk)
    assert desk.cancel(MANAGER, number, now=StoppedClock()()).state is JobState.CANCELLED


def test_a_job_that_has_ended_is_not_cancelled(desk: JobDesk) -> None:
    number = submit(desk)
    desk.cancel(MANAGER, number, now=StoppedClock()())
    with pytest.raises(RequestError, match="has ended already: it is cancelled"):
        desk.cancel(MANAGER, number, now=StoppedClock()())


def test_too_many_jobs_are_refused(desk: JobDesk) -> None:
    for _ in range(MOST_WAITING):
        submit(desk)
    with pytest.raises(RequestError, match="20 jobs run or wait already"):
        submit(desk)


def test_jobs_of_other_nodes_are_left_alone(desk: JobDesk, store: Store, tmp_path: Path) -> None:
    number = submit(desk)
    assert desk_of(store, tmp_path, node="pond").watch.step() is False
    assert desk.find_job(number).state is JobState.QUEUED


@on_one_store
def test_old_jobs_lose_their_files(desk: JobDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.services.jobs.watch.KEPT", 1)
    monkeypatch.setattr("console.services.jobs.watch.YOUNG_S", 0.0)
    numbers = [submit(desk), submit(desk)]
    until(desk, numbers[-1], JobState.DONE)
    assert [path.name.partition("-")[0] for path in (tmp_path / "jobs").iterdir()] == [str(numbers[-1])]


@on_one_store
def test_a_folder_whose_job_is_not_in_the_store_yet_stays(desk: JobDesk, tmp_path: Path) -> None:
    coming = JobFolder(tmp_path / "jobs" / "99-1")
    coming.prepare(QUICK)
    until(desk, submit(desk), JobState.DONE)
    assert coming.argv() == QUICK


@on_one_store
def test_several_jobs_are_submitted_together_or_not_at_all(desk: JobDesk) -> None:
    for _ in range(MOST_WAITING - 1):
        submit(desk)
    orders = [JobOrder(kind="test", title=name, parameters={}, argv=QUICK) for name in ("herons", "owls")]
    with pytest.raises(RequestError, match="20 jobs run or wait already"):
        desk.submit_all(MANAGER, orders, now=StoppedClock()())
    assert len(desk.list_jobs().items) == MOST_WAITING - 1


def settle(console: ConsoleUnderTest, number: int, status: JobStatus) -> None:
    with console.store.write() as session:
        row = session.get_one(JobRow, number)
        set_status(row, status, now=StoppedClock()())
    console.runtime.jobs.watch.publish(row)


def test_who_does_not_manage_the_node_sees_no_names_of_its_files(tmp_path: Path) -> None:
    with console_under_test(tmp_path) as console:
        number = submit(console.runtime.jobs)
        settle(console, number, JobStatus(JobState.DONE, 1.0, "copying secret.flac", {"unreadable": ["secret.flac"]}))
        notices = console.runtime.live.notices.since(0) or ()
        viewer, manager = console.logged_in("viewer"), console.logged_in("manager")
        shown = [viewer.get(f"/api/v1/jobs{path}").text for path in ("", f"/{number}")]
        managed = manager.get(f"/api/v1/jobs/{number}").json()
    assert not any("secret" in text or "tags" in text for text in (*shown, *(notice.public for notice in notices)))
    assert (managed["result"], managed["parameters"]) == ({"unreadable": ["secret.flac"]}, {"tags": ["heron"]})
    assert "secret" in notices[-1].data


def test_results_may_name_files_that_are_not_utf8(tmp_path: Path) -> None:
    with console_under_test(tmp_path) as console:
        number = submit(console.runtime.jobs)
        settle(console, number, JobStatus(JobState.DONE, 1.0, "", {"unreadable": ["a\udcff.flac"]}))
        shown = console.logged_in("manager").get(f"/api/v1/jobs/{number}").json()
    assert shown["result"] == {"unreadable": ["a\\udcff.flac"]}


def test_the_console_runs_jobs_and_tells_browsers(tmp_path: Path) -> None:
    with console_under_test(tmp_path) as console:
        jobs = console.runtime.jobs
        number = submit(jobs, program("print('warming up')", "writer.result({})"))

        async def run() -> None:
            async with jobs.watch.running():
                await eventually_async(lambda: jobs.find_job(number).state.is_final, what="the job ends")

        asyncio.run(run())
        sent = [json.loads(notice.data)["state"] for notice in console.runtime.live.notices.since(0) or ()]
        log = console.logged_in("manager").get(f"/api/v1/jobs/{number}/log").json()
    assert (sent[0], sent[-1]) == ("queued", "done")
    assert log == {"lines": ["warming up"]}


def test_the_api_lists_and_cancels_jobs_and_the_audit_log_has_it(tmp_path: Path) -> None:
    with console_under_test(tmp_path) as console:
        number = submit(console.runtime.jobs)
        client: Any = console.logged_in("manager")
        shown = client.get("/api/v1/jobs", params={"kind": "test"}).json()["items"]
        cancelled = client.post(f"/api/v1/jobs/{number}/cancel").json()
        again = client.post(f"/api/v1/jobs/{number}/cancel")
        audit = console.logged_in("admin").get("/api/v1/audit").json()["entries"]
    assert [(job["id"], job["title"], job["state"]) for job in shown] == [(number, "herons", "queued")]
    assert (cancelled["state"], again.status_code) == ("cancelled", 409)
    assert [entry["action"] for entry in audit if entry["action"].startswith("job.")] == [
        "job.cancelled",
        "job.started",
    ]


def test_a_job_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with console_under_test(tmp_path) as console:
        assert console.logged_in("viewer").get("/api/v1/jobs/7").status_code == 404
