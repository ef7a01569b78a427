"""Backups by the REST API: made and verified by jobs, in the folder of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.console import ConsoleUnderTest, console_with_profile
from tests.support.eventually import eventually
from tests.support.jobs import end_jobs
from tidzam.jobs.states import JobState

pytestmark = pytest.mark.timeout(90)

BACKUPS = "/api/v1/backups"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleUnderTest]:
    home = tmp_path / "home"
    home.mkdir()
    profile = {"console": {"backups": str(tmp_path / "backups")}}
    (home / "profile.yaml").write_text(yaml.safe_dump({"home": str(home), **profile}))
    with console_with_profile(home, profile) as console:
        yield console
    end_jobs(home)


def done(console: ConsoleUnderTest, number: int) -> dict[str, object]:
    """The result of a job."""
    jobs = console.runtime.jobs

    def has_ended() -> bool:
        jobs.watch.step()
        return jobs.find_job(number).state.is_final

    eventually(has_ended, what="the job ends", within_s=60)
    job = jobs.find_job(number)
    assert job.state is JobState.DONE, job.message
    assert job.result is not None
    return dict(job.result)


def test_a_backup_is_made_listed_verified_and_its_damage_found(console: ConsoleUnderTest, tmp_path: Path) -> None:
    client = console.logged_in("manager")
    made = done(console, client.post(BACKUPS).json()["id"])
    (listed,) = client.get(BACKUPS).json()["backups"]
    assert (listed["name"], listed["unreadable"]) == (made["backup"], 0)
    assert client.get("/node/backups").status_code == 200
    verify = f"{BACKUPS}/{listed['name']}/verify"
    assert done(console, client.post(verify).json()["id"])["faults"] == 0
    (tmp_path / "backups" / listed["name"] / "database" / "tidzam.sqlite3").write_bytes(b"damaged")
    assert done(console, client.post(verify).json()["id"])["faults"]
    assert "database/tidzam.sqlite3 has changed" in client.get("/node/backups").text


def test_a_backup_that_does_not_exist_is_not_verified(console: ConsoleUnderTest) -> None:
    assert console.logged_in("manager").post(f"{BACKUPS}/none/verify").status_code == 404


def test_without_a_folder_no_backup_is_made(tmp_path: Path) -> None:
    with console_with_profile(tmp_path, {}) as console:
        refused = console.logged_in("manager").post(BACKUPS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_backup_folder")
