"""Stores for tests, on both kinds of store.

With `from tests.support.store import store as store` and `store_settings as store_settings`, which it needs, a
module has the fixture `store`: each test that uses it runs on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support.postgresql import PASSWORD, PostgresqlCluster, postgresql_cluster
from tidzam.config.store import StoreSettings
from tidzam.store.database import Store, open_store

KINDS = ("sqlite", "postgresql")
_PLUGIN = "tidzam-postgresql"


class SharedCluster:
    """The cluster of all tests of this process: a plugin of pytest, which ends it after the last test."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.cluster = self._stack.enter_context(postgresql_cluster())

    def pytest_sessionfinish(self) -> None:
        self._stack.close()


def shared_cluster(config: pytest.Config) -> PostgresqlCluster:
    """The cluster that tests share, started by the first one that needs it."""
    plugin = config.pluginmanager.get_plugin(_PLUGIN)
    if plugin is None:
        plugin = SharedCluster()
        config.pluginmanager.register(plugin, _PLUGIN)
    assert isinstance(plugin, SharedCluster)
    return plugin.cluster


def new_store(kind: str, config: pytest.Config) -> StoreSettings:
    """The settings of a new, empty store. That in SQLite is new in every home."""
    if kind == "sqlite":
        return StoreSettings()
    return StoreSettings(url=shared_cluster(config).new_database(), password=SecretStr(PASSWORD))


@pytest.fixture(params=KINDS)
def store_settings(request: pytest.FixtureRequest) -> StoreSettings:
    """The settings of a new store, once per kind of store."""
    return new_store(request.param, request.config)


@pytest.fixture
def store(store_settings: StoreSettings, tmp_path: Path) -> Iterator[Store]:
    """A new store, open, in the home `tmp_path`."""
    with open_store(store_settings, tmp_path) as opened:
        yield opened
