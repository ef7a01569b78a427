"""`tidzam users`, on a store of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tidzam.accounts.passwords import verify_password
from tidzam.accounts.users import require_user
from tidzam.cli.access import first_admin_lines
from tidzam.cli.users import app
from tidzam.config import Settings
from tidzam.config.store import StoreSettings
from tidzam.errors import RequestError
from tidzam.store.database import open_store

PASSWORD = "marsh wren at dawn"


def run(home: Path, *words: str, typed: str = "") -> Result:
    result = CliRunner().invoke(app, [*words, "--home", str(home)], input=typed)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def listed(home: Path) -> list[dict[str, Any]]:
    users: list[dict[str, Any]] = json.loads(run(home, "list", "--json").stdout)["users"]
    return users


def has_password(home: Path, name: str, password: str) -> bool:
    with open_store(StoreSettings(), home) as store, store.read() as session:
        return verify_password(password, require_user(session, name).password_hash)


def test_users_are_added_changed_and_removed(tmp_path: Path) -> None:
    run(tmp_path, "add", "Ann", "--role", "annotator", typed=f"{PASSWORD}\n")
    assert [(user["name"], user["role"], user["last_login"]) for user in listed(tmp_path)] == [
        ("ann", "annotator", None)
    ]
    assert has_password(tmp_path, "ann", PASSWORD)
    run(tmp_path, "role", "ann", "manager")
    assert listed(tmp_path)[0]["role"] == "manager"
    run(tmp_path, "remove", "ann")
    assert listed(tmp_path) == []


def test_a_generated_password_is_printed_alone_on_stdout(tmp_path: Path) -> None:
    password = run(tmp_path, "add", "ann", "--generate").stdout.strip()
    assert has_password(tmp_path, "ann", password)
    changed = run(tmp_path, "password", "ann", "--generate").stdout.strip()
    assert has_password(tmp_path, "ann", changed)


def test_the_table_shows_names_and_roles(tmp_path: Path) -> None:
    run(tmp_path, "add", "ann", typed=f"{PASSWORD}\n")
    shown = run(tmp_path, "list").stdout
    assert "viewer" in shown
    assert "never" in shown


def test_a_user_who_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="There is no user 'ann'"):
        run(tmp_path, "password", "ann", typed=f"{PASSWORD}\n")


def test_the_first_start_shows_the_password_of_the_first_admin_and_later_ones_do_not(tmp_path: Path) -> None:
    (line,) = first_admin_lines(Settings(), tmp_path)
    password = line.partition("with the password ")[2].partition(" ")[0]
    assert has_password(tmp_path, "admin", password)
    assert first_admin_lines(Settings(), tmp_path) == []


def test_a_store_that_is_away_does_not_fail_the_start(tmp_path: Path) -> None:
    away = StoreSettings(url="postgresql://tidzam@127.0.0.1:9/tidzam", timeout_s=1)
    (line,) = first_admin_lines(Settings(store=away), tmp_path)
    assert line.startswith("The users of the console are unknown: The store ")
