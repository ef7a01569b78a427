"""The cache: each file is made once, their size is limited, and nothing in use is deleted."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tidzam.recorded_sound.cache import FileCache


def write(path: Path) -> None:
    path.write_bytes(b"x" * 100)


def fail(path: Path) -> None:
    write(path)
    raise OSError("full")


def put(cache: FileCache, name: str, *, age_s: float = 0.0) -> None:
    os.utime(cache.get(name, write), (time.time() - age_s,) * 2)


def test_a_file_is_made_once(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", 1000)
    cache.get("a", write)
    assert cache.get("a", fail).name == "a"


def test_what_was_not_used_for_longest_is_deleted_first(tmp_path: Path) -> None:
    for name, age_s in (("old", 900), ("older", 1800), ("new", 120)):
        put(FileCache(tmp_path, 1000), name, age_s=age_s)
    FileCache(tmp_path, 200).trim()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]


def test_files_in_use_stay_above_the_limit(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 200)
    for name in "abcd":
        put(cache, name)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_file_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"):
        FileCache(tmp_path, 200).get("a", fail)
    assert not list(tmp_path.iterdir())
