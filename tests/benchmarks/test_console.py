"""The benchmark of the console, with a few browsers: what it measures is there, and its arithmetic."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.browsers import Browsers, Measured, measure
from benchmarks.console import PAGES, figures_of, prepared
from benchmarks.program_stand_ins import StandIns
from console.accounts.recognition import by_cookie
from console.accounts.session_policy import SessionPolicy
from tests.support.console_server import serving_console
from tidzam.accounts.roles import Role
from tidzam.config import Settings
from tidzam.store.database import open_store

pytestmark = pytest.mark.timeout(60)


def test_browsers_watch_read_and_listen(tmp_path: Path) -> None:
    with StandIns().serving() as stand_ins:
        profile = {"icecast": {"port": stand_ins.icecast_port}}
        with serving_console(tmp_path, profile=profile) as (url, console):
            people = [role for role in Role if role is not Role.NODE]
            cookies = [f"{console.runtime.cookie}={console.begin(role.value).cookie}" for role in people]
            mounts = ["wetland-out_0.ogg"]
            load = Browsers(cookies=cookies, watching=3, reading=len(PAGES), listening=2, pages=PAGES, mounts=mounts)
            measured = asyncio.run(measure(url, load, seconds=6, pause_s=1))
    assert measured.failures == {}
    assert set(measured.page_ms) == set(PAGES)
    assert measured.updates >= 3
    assert len([heard for heard in measured.heard_bytes if heard]) == 2


def test_the_figures_are_those_of_all_pages_and_updates() -> None:
    measured = Measured(page_ms={"/": [10.0, 20.0], "/node": [30.0]}, late_ms=[5.0], updates=60, heard_bytes=[0, 9])
    figures = figures_of(asdict(measured), 30.0)
    assert (figures["pages"], figures["updates_per_s"], figures["listeners"]) == (3, 2.0, 1)
    assert figures["/node_p95_ms"] == 30.0


def test_the_users_of_the_benchmark_are_logged_in(tmp_path: Path) -> None:
    cookies = prepared(tmp_path, 100)
    settings = Settings()
    with open_store(settings.store, tmp_path) as store:
        policy = SessionPolicy.of(settings.console)
        assert by_cookie(store, policy, cookies[0], address="", now=datetime.now(UTC)) is not None
