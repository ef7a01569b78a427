"""`tidzam search`: what it does, prints and returns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from tests.support import indexed_sound as support
from tests.support.indexed_sound import HIGH_HZ, LOW_HZ, START
from tidzam.cli.search import UNREADABLE, app
from tidzam.config.store import StoreSettings
from tidzam.errors import NodeError
from tidzam.store.database import Store, open_store


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words: str | Path, code: int = 0) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The store of a node that has one recording."""
    support.settings_of(tmp_path)
    profile = {"node": {"name": support.NODE}, "search": {"base": support.BASE}}
    (tmp_path / "profile.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")
    with open_store(StoreSettings(), tmp_path) as opened:
        support.write_recording(opened, tmp_path / "recordings", [(HIGH_HZ,), (LOW_HZ,), (LOW_HZ,), (HIGH_HZ,)])
        yield opened


def test_indexing_counts_what_is_new(store: Store, tmp_path: Path) -> None:
    first, second = (answer("index", "--home", tmp_path) for _ in range(2))
    assert [(done["added"], done["windows"]) for done in (first, second)] == [(1, 4), (0, 0)]


def test_recordings_that_cannot_be_read_are_named(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "pond-2026-05-01-07-00-00.wav"
    path.write_bytes(b"no sound")
    support.report(store, path, start=START, end=START + support.WINDOW, channels=1)
    assert answer("index", "--home", tmp_path, code=UNREADABLE)["unreadable"][0]["path"] == str(path)


def test_the_status_says_what_is_indexed(store: Store, tmp_path: Path) -> None:
    run("index", "--home", tmp_path)
    (found,) = answer("status", "--home", tmp_path)["indexes"]
    assert (found["base"], found["recordings"], found["windows"]) == (support.BASE, 1, 4)


def test_without_an_index_the_status_says_what_to_do(store: Store, tmp_path: Path) -> None:
    assert "tidzam search index" in run("status", "--home", tmp_path).output


def test_what_sounds_like_a_time_of_a_channel_is_found(store: Store, tmp_path: Path) -> None:
    run("index", "--home", tmp_path)
    found = answer("find", "pond:out_0", "2026-05-01T06:00:00", "--home", tmp_path, "-n", "1")["results"]
    assert (found[0]["start"], found[0]["similarity"] > 0.99) == ("2026-05-01T06:00:00.750000+00:00", True)


def test_what_sounds_like_a_file_is_found(store: Store, tmp_path: Path) -> None:
    run("index", "--home", tmp_path)
    (path,) = (tmp_path / "recordings").iterdir()
    found = answer("find", path, "0.25", "0.5", "--home", tmp_path, "-n", "1")["results"]
    assert found[0]["start"] == "2026-05-01T06:00:00.250000+00:00"


def test_a_time_that_is_not_indexed_is_refused(store: Store, tmp_path: Path) -> None:
    run("index", "--home", tmp_path)
    error = run("find", "pond:out_0", "2027-01-01T00:00:00", "--home", tmp_path).exception
    assert isinstance(error, NodeError)


def test_without_an_index_nothing_is_found(store: Store, tmp_path: Path) -> None:
    error = run("find", "pond:out_0", "2026-05-01T06:00:00", "--home", tmp_path).exception
    assert isinstance(error, NodeError)
    assert error.code == "search_empty"


def test_a_text_that_is_no_time_is_named(store: Store, tmp_path: Path) -> None:
    run("index", "--home", tmp_path)
    assert "yesterday" in run("find", "pond:out_0", "yesterday", "--home", tmp_path).output
