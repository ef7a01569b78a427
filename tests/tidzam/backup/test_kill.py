"""A backup that is killed never looks complete, and the next one cleans up after it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.backups import FILES, make_home, tree
from tests.support.eventually import eventually
from tidzam.backup.create import BackupSource, create_backup
from tidzam.backup.shelf import BackupShelf
from tidzam.backup.verify import verify_backup
from tidzam.config.store import StoreSettings

HUGE = 1 << 30
"""Bytes of a sparse file, which takes a second to copy."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> BackupSource:
    return make_home(tmp_path_factory.mktemp("killed"), StoreSettings())


@pytest.fixture(scope="module")
def shelf(source: BackupSource) -> BackupShelf:
    """A folder with a complete backup, and one that was killed while it copied a file."""
    shelf = BackupShelf(source.home.parent / "backups")
    create_backup(source, shelf)
    huge = source.home / "models" / "huge.onnx"
    with huge.open("wb") as file:
        file.truncate(HUGE)
    argv = [sys.executable, "-m", "tidzam.cli", "backup", "create", str(shelf.path), "--home", str(source.home)]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: any(0 < path.stat().st_size < HUGE for path in shelf.path.rglob("huge.onnx")))
    finally:
        process.kill()
        process.wait()
    huge.unlink()
    return shelf


def test_it_is_not_listed(shelf: BackupShelf) -> None:
    assert [len(shelf.backups()), len(shelf.unfinished())] == [1, 1]


def test_it_is_not_intact(shelf: BackupShelf) -> None:
    assert verify_backup(shelf.unfinished()[0])


def test_the_one_before_is_intact(shelf: BackupShelf) -> None:
    assert verify_backup(shelf.latest()) == []


def test_the_next_one_is_complete_and_cleans_up(source: BackupSource, shelf: BackupShelf) -> None:
    create_backup(source, shelf)
    found = tree(shelf.latest() / "home")
    assert {name: found.get(name) for name in FILES} == FILES
    assert verify_backup(shelf.latest()) == []
    assert shelf.unfinished() == []
