"""A real PostgreSQL for tests: a cluster of its own on the loopback, in a temporary folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg

from tests.support.eventually import eventually
from tests.support.ports import free_port

USER = "tidzam"
PASSWORD = "p@ss:w0rd/long"
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
SETTINGS = ("fsync=off", "shared_buffers=32MB", "max_connections=60", "unix_socket_directories=")
"""A test's server may lose its data with the machine, but not with its own process."""


@dataclass
class PostgresqlCluster:
    """A cluster that listens on `port`. `start` and `kill` do so as an administrator or an accident would."""

    folder: Path
    port: int = field(default_factory=free_port)
    settings: tuple[str, ...] = SETTINGS
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def initialize(self) -> None:
        """Create the cluster's files, unless they are there."""
        if self._data.exists():
            return
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        for path in (self.folder, secret):
            os.chown(path, *_owner())
        options = [
            "--username",
            USER,
            "--pwfile",
            str(secret),
            "--auth",
            "scram-sha-256",
            "--no-sync",
            "--encoding",
            "UTF8",
        ]
        subprocess.run(
            [*_as_owner(), _program("initdb"), "-D", str(self._data), *options], check=True, capture_output=True
        )

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        options = [word for setting in self.settings for word in ("-c", setting)]
        argv = [*_as_owner(), _program("postgres"), "-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*argv, *options], stdout=log, stderr=log)
        eventually(self._accepts, what=lambda: f"PostgreSQL: {(self.folder / 'log').read_text()[-2000:]}")

    def _accepts(self) -> bool:
        try:
            psycopg.connect(self._conninfo("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """End the server at once: its connections break, and it recovers from its log when it is started again."""
        self._end(signal.SIGQUIT)  # SIGKILL would leave its children and their shared memory

    def stop(self) -> None:
        """Break its connections and write everything to its files."""
        self._end(signal.SIGINT)

    def _end(self, by: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait()
            self._process = None

    def _conninfo(self, name: str) -> str:
        return psycopg.conninfo.make_conninfo(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=name
        )

    def new_database(self) -> str:
        """The address of a new database, without its password."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return self.address(name)

    def address(self, name: str) -> str:
        """The address of a database, without its password."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"


@contextmanager
def postgresql_cluster(settings: tuple[str, ...] = ()) -> Iterator[PostgresqlCluster]:
    """A cluster while the context is open, with these settings besides those of all tests."""
    with (
        tempfile.TemporaryDirectory(prefix="tidzam-postgresql-") as folder,  # others cannot enter pytest's folders
        kept_cluster(Path(folder), settings) as cluster,
    ):
        yield cluster


@contextmanager
def kept_cluster(folder: Path, settings: tuple[str, ...] = ()) -> Iterator[PostgresqlCluster]:
    """A cluster in a folder, which is made if it is empty, while the context is open."""
    cluster = PostgresqlCluster(folder, settings=(*SETTINGS, *settings))
    cluster.initialize()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def _program(name: str) -> str:
    """Debian keeps them in a folder per version, out of the path."""
    return str(_BINARIES[-1] / name) if _BINARIES else shutil.which(name) or name


def _owner() -> tuple[int, int]:
    """The user of the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _as_owner() -> list[str]:
    """The beginning of a command line that runs the rest as the owner, and ends it with this process."""
    uid, gid = _owner()
    change = [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *change, "--pdeathsig=QUIT", "--"]
