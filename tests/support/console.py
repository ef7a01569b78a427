"""A console in the process of a test: its store is new, its clock stands still, and the node's programs are away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from console.accounts.log_in import NewSession, begin_session
from console.app import create_app, guarded
from console.live.broadcast import live_broadcast
from console.openid.provider import openid_provider
from console.services.jobs.requests import job_desk
from console.services.node_monitor import NodeMonitor
from console.services.stream_manager_link import StreamManagerLink
from console.web.open_streams import OpenStreams
from console.web.runtime import ConsoleRuntime
from tidzam.accounts.passwords import hash_password
from tidzam.accounts.roles import Role
from tidzam.config import Settings
from tidzam.config.store import StoreSettings
from tidzam.paths import store_folder
from tidzam.store.database import Store, open_store
from tidzam.store.engine import FILE_NAME
from tidzam.store.tables.accounts import UserRow

PASSWORD = "marsh wren at dawn"
AWAY = "http://127.0.0.1:9"
"""An address at which nothing answers."""
BASE = "http://127.0.0.1:8090"
TOKEN = "the-token-of-the-node-of-this-test"


class StoppedClock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, **time: float) -> None:
        self.time += timedelta(**time)


@cache
def hashed() -> str:
    """The hash of `PASSWORD`, which takes a while to make."""
    return hash_password(PASSWORD)


@dataclass
class ConsoleUnderTest:
    """`users` are there already, each with `PASSWORD`: one per role, called like it."""

    app: FastAPI
    runtime: ConsoleRuntime
    clock: StoppedClock
    asgi: Any = field(repr=False)

    @property
    def store(self) -> Store:
        return self.runtime.store

    def client(self, *, base: str = BASE, address: str = "127.0.0.1", **arguments: Any) -> TestClient:
        """A browser or program without credentials. It does not follow redirects."""
        return TestClient(
            self.asgi,
            base_url=base,
            client=(address, 50000),
            follow_redirects=False,
            raise_server_exceptions=False,
            **arguments,
        )

    def begin(self, name: str) -> NewSession:
        """A session of a user, without a log-in."""
        with self.store.write() as session:
            user = session.query(UserRow).filter_by(name=name).one()
            return begin_session(session, user, address="127.0.0.1", agent="test", now=self.clock())

    def logged_in(self, name: str, **arguments: Any) -> TestClient:
        """A client with a session's cookie, which sends the session's CSRF token."""
        begun = self.begin(name)
        client = self.client(**arguments)
        client.cookies.set(self.runtime.cookie, begun.cookie)
        client.headers["X-CSRF-Token"] = begun.csrf_token
        return client

    def log_in(self, name: str, password: str = PASSWORD, **arguments: Any) -> Any:
        """The response to the form of the log-in."""
        return self.client(**arguments).post("/login", data={"username": name, "password": password})


@cache
def _prepared() -> bytes:
    """The file of a store that has a user per role. To make it takes half a second."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        with open_store(StoreSettings(), home) as store:
            _add_users(store)
        return _file(home).read_bytes()


def _add_users(store: Store) -> None:
    now = StoppedClock()()
    with store.write() as session:
        for role in Role:
            name = role.value
            session.add(UserRow(name=name, role=name, password_hash=hashed(), created=now, password_changed=now))


def _file(home: Path) -> Path:
    return store_folder(home) / FILE_NAME


@contextmanager
def console_under_test(home: Path, **console: Any) -> Iterator[ConsoleUnderTest]:
    """A console with these settings of its section, on an SQLite store in `home`."""
    with console_with_profile(home, {"console": console}) as made:
        yield made


@contextmanager
def console_with_profile(
    home: Path, profile: Mapping[str, Any], *, manager: str = AWAY, analyzer: str = AWAY
) -> Iterator[ConsoleUnderTest]:
    """A console of a node with this profile, on the new store that it names, by default one of SQLite in `home`.

    `manager` and `analyzer` are the addresses of the node's programs.
    """
    settings = Settings.model_validate({"home": home, "node": {"name": "marsh"}, **profile})
    clock = StoppedClock()
    monitor = NodeMonitor("marsh", manager=manager, analyzer=analyzer, token=None, now=clock)
    if settings.store.url is None:
        _file(home).parent.mkdir()
        _file(home).write_bytes(_prepared())
    with open_store(settings.store, home) as store:
        if settings.store.url is not None:
            _add_users(store)
        live = live_broadcast(analyzer, monitor, token=None, now=clock)
        runtime = ConsoleRuntime(
            settings=settings,
            store=store,
            monitor=monitor,
            live=live,
            manager=StreamManagerLink(manager, token=TOKEN),
            streams=OpenStreams(settings.console.streams, settings.console.streams_per_visitor),
            jobs=job_desk(store, settings, live.notices, now=clock),
            token=TOKEN,
            now=clock,
            openid=openid_provider(settings.console.oidc, now=clock),
        )
        app = create_app(runtime)
        yield ConsoleUnderTest(app, runtime, clock, guarded(app, settings))
