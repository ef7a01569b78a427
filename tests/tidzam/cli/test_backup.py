"""`tidzam backup`: what it does, prints and returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.backups import FILES, make_home, tree
from tidzam.backup.create import BackupSource
from tidzam.cli.backup import app
from tidzam.config.store import StoreSettings
from tidzam.errors import NodeError, TidzamError


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words: str | Path, code: int = 0) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def refused(*words: str | Path) -> TidzamError:
    error = run(*words).exception
    assert isinstance(error, TidzamError)
    return error


@pytest.fixture
def source(tmp_path: Path) -> BackupSource:
    return make_home(tmp_path, StoreSettings())


@pytest.fixture
def shelf(source: BackupSource, tmp_path: Path) -> Path:
    """A folder with one backup."""
    folder = tmp_path / "backups"
    done = run("create", folder, "--home", source.home)
    assert done.exit_code == 0, done.output
    return folder


def test_a_backup_that_was_made_is_described(source: BackupSource, tmp_path: Path) -> None:
    made = answer("create", tmp_path / "backups", "--home", source.home)
    assert (made["node"], made["store"], made["unreadable"]) == ("garden", "sqlite", [])


def test_credentials_that_are_missing_are_named(source: BackupSource, tmp_path: Path) -> None:
    done = run("create", tmp_path / "backups", "--home", source.home)
    assert "the credentials of analyzer.sinks[1].password, sources[0].url" in done.stderr


def test_backups_are_listed(source: BackupSource, shelf: Path) -> None:
    run("create", shelf, "--home", source.home)
    assert len(answer("list", shelf)["backups"]) == 2
    assert run("list", shelf).stdout.count("garden") == 2


def test_a_folder_without_backups_is_listed_as_such(tmp_path: Path) -> None:
    assert "There is no backup in" in run("list", tmp_path).stdout


def test_an_incomplete_backup_is_listed_apart(shelf: Path) -> None:
    (shelf / "2026-01-01T00-00-00Z.partial").mkdir()
    assert answer("list", shelf)["unfinished"] == [str(shelf / "2026-01-01T00-00-00Z.partial")]


def test_old_backups_are_deleted(source: BackupSource, shelf: Path) -> None:
    newest = answer("create", shelf, "--home", source.home, "--keep", "1")["name"]
    assert [one["name"] for one in answer("list", shelf)["backups"]] == [newest]


def test_an_intact_backup_is_verified(shelf: Path) -> None:
    assert answer("verify", shelf)["intact"] is True
    assert "complete and intact" in run("verify", shelf).stdout


def test_damage_is_reported_with_its_exit_code(shelf: Path) -> None:
    (path,) = shelf.glob("*/home/clips/birds-wren/a.flac")
    path.write_bytes(b"")
    damage = answer("verify", shelf, code=2)["damage"]
    assert damage == [{"path": "home/clips/birds-wren/a.flac", "kind": "changed", "reason": ""}]


def test_an_incomplete_backup_is_not_intact(shelf: Path) -> None:
    (shelf / "2026-01-01T00-00-00Z.partial" / "home").mkdir(parents=True)
    damage = answer("verify", shelf, "--name", "2026-01-01T00-00-00Z.partial", code=2)["damage"]
    assert [(one["path"], one["reason"]) for one in damage] == [("SHA256SUMS", "the backup is not complete")]


@pytest.mark.parametrize("words", [("verify",), ("verify", "--name", "other"), ("restore",)])
def test_a_backup_that_does_not_exist_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert refused(words[0], tmp_path, *words[1:]).code == "backup_missing"


def test_a_home_without_a_node_has_no_backup(tmp_path: Path) -> None:
    assert isinstance(refused("create", tmp_path / "backups", "--home", tmp_path / "home"), NodeError)


def test_a_backup_is_restored(shelf: Path, tmp_path: Path) -> None:
    done = answer("restore", shelf, "--home", tmp_path / "new")
    assert done["outside"] == {"clips": str(tmp_path / "new" / "outside" / "clips")}
    found = tree(tmp_path / "new")
    assert {name: found.get(name) for name in FILES} == FILES


def test_after_a_restoration_it_is_said_what_to_do(shelf: Path, tmp_path: Path) -> None:
    done = run("restore", shelf, "--home", tmp_path / "new")
    assert f"start it: tidzam restart --home {tmp_path / 'new'}" in done.stdout
    assert "set these credentials again in" in done.stderr


def test_a_home_is_not_overwritten(source: BackupSource, shelf: Path) -> None:
    assert refused("restore", shelf, "--home", source.home).code == "home_not_empty"
