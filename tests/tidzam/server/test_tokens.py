"""The token file of a node."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tidzam.errors import SetupError
from tidzam.tokens import TOKEN_ENV, ensure_token, find_token, read_token, take_token


@pytest.fixture(autouse=True)
def no_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_ENV, raising=False)


def test_a_token_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    old = os.umask(0)
    try:
        first = ensure_token(path)
    finally:
        os.umask(old)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", first)
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_token(path) == first
    assert [file.name for file in tmp_path.iterdir()] == ["token"]


def test_two_starts_at_once_agree_on_one_token(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(ensure_token, [tmp_path / "token"] * 8))
    assert len(set(tokens)) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602, 0o604, 0o666])
def test_a_token_that_others_can_read_or_change_is_reported_and_not_replaced(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    token = ensure_token(path)
    path.chmod(mode)
    with pytest.raises(SetupError, match=rf"mode is {mode:04o}, expected 0600.*chmod 600"):
        ensure_token(path)
    path.chmod(0o600)
    assert ensure_token(path) == token


@pytest.mark.parametrize("content", ["", "\n", "short", "has spaces in it, has spaces in it", "é" * 40, "x" * 300])
def test_a_file_that_holds_no_token_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(SetupError, match="does not contain a token"):
        ensure_token(path)


def test_a_link_a_folder_and_a_pipe_are_no_token_files(tmp_path: Path) -> None:
    real = tmp_path / "real"
    ensure_token(real)
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "dangling").symlink_to(tmp_path / "missing")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "dangling", "folder", "pipe"):
        with pytest.raises(SetupError):
            ensure_token(tmp_path / name)


def test_reading_a_missing_token_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be opened"):
        read_token(tmp_path / "token")


def test_the_environments_token_takes_precedence_and_children_do_not_inherit_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ensure_token(tmp_path / "token")
    monkeypatch.setenv(TOKEN_ENV, "given")
    assert find_token(tmp_path) == "given"
    assert take_token(tmp_path) == "given"
    assert TOKEN_ENV not in os.environ
    assert find_token(tmp_path) == kept


def test_a_program_trusts_no_token_that_others_can_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ensure_token(tmp_path / "token")
    (tmp_path / "token").chmod(0o644)
    assert find_token(tmp_path) is None
    assert "expected 0600" in caplog.text


def test_without_a_home_there_is_no_token(tmp_path: Path) -> None:
    assert find_token(None) is None
    assert find_token(tmp_path) is None
