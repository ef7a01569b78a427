"""Replacing files and folders whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from tidzam import atomic
from tidzam.atomic import swap_in, sync_file, sync_folder, write_atomically


@pytest.mark.parametrize(("content", "written"), [("grünfink\n", b"gr\xc3\xbcnfink\n"), (b"\0\1", b"\0\1"), ("", b"")])
def test_a_file_is_created_and_replaced(tmp_path: Path, content: str | bytes, written: bytes) -> None:
    path = tmp_path / "state.json"
    for _ in range(2):
        write_atomically(path, content)
        assert path.read_bytes() == written
    assert list(tmp_path.iterdir()) == [path]


def test_readers_never_see_a_part(tmp_path: Path) -> None:
    path, contents = tmp_path / "big", (b"a" * 300_000, b"b" * 300_000)
    write_atomically(path, contents[0])

    def write() -> None:
        for number in range(40):
            write_atomically(path, contents[number % 2])

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while writer.is_alive():
        seen.add(path.read_bytes())
    writer.join()
    assert seen <= set(contents)


def test_the_mode_is_that_of_the_caller_less_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "public", "")
        write_atomically(tmp_path / "secret", "", mode=0o600)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"public": 0o644, "secret": 0o600}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.mkdir()
    with pytest.raises(OSError):
        write_atomically(path, "new")
    assert list(tmp_path.iterdir()) == [path]
    assert not list(path.iterdir())


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)  # as on many network file systems
    for content in ("old", "new"):
        fresh = tmp_path / ".pond-writing"
        (fresh / "shards").mkdir(parents=True)
        (fresh / "shards" / "0").write_text(content)
        swap_in(fresh, tmp_path / "pond")
    assert (tmp_path / "pond" / "shards" / "0").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["pond"]


def test_only_a_folder_is_flushed_as_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    sync_folder(tmp_path)
    sync_file(file)
    with pytest.raises(NotADirectoryError):
        sync_folder(file)
