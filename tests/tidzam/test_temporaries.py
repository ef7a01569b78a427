"""Temporary files and folders: what a killed process leaves is deleted, and nothing else."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tidzam.atomic import write_atomically
from tidzam.temporaries import remove_leftovers, temporary_file, temporary_folder

KINDS = ("temporary_file", "temporary_folder")
FOREIGN = (".tidzam-notes", ".pond.flac-1a2b3c4d", "tidzam-0123456789abcdef", ".tidzam-0123456789abcdef.txt")


@contextmanager
def writer(kind: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is writing in `folder`. It ends when it is killed, or at the end of its input."""
    program = f"""
import sys
from pathlib import Path
from tidzam.temporaries import {kind}
with {kind}(Path(sys.argv[1])) as temporary:
    print("ready", flush=True)
    sys.stdin.read()
"""
    argv = [sys.executable, "-c", program, str(folder)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_process_left_is_deleted(kind: str, tmp_path: Path) -> None:
    with writer(kind, tmp_path) as process:
        process.send_signal(signal.SIGKILL)
    assert len(list(tmp_path.iterdir())) == 1
    assert remove_leftovers(tmp_path) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_process_is_writing_stays(kind: str, tmp_path: Path) -> None:
    with writer(kind, tmp_path):
        assert remove_leftovers(tmp_path) == 0
        assert len(list(tmp_path.iterdir())) == 1


def test_what_this_process_is_writing_stays(tmp_path: Path) -> None:
    with temporary_file(tmp_path) as (path, _), temporary_folder(tmp_path) as folder:
        assert remove_leftovers(tmp_path) == 0
        assert path.is_file()
        assert folder.is_dir()


@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_others_stay(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert remove_leftovers(tmp_path) == 0


def test_a_link_with_such_a_name_stays(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch()
    (tmp_path / ".tidzam-0123456789abcdef").symlink_to(target)
    assert remove_leftovers(tmp_path) == 0


def test_leftovers_are_deleted_before_the_first_write_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / ".tidzam-0123456789abcdef").touch()
    write_atomically(tmp_path / "state.json", "{}")
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_file_that_is_taken_for_a_leftover_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, taken = fcntl.flock, list[Path]()

    def late_lock(descriptor: int, operation: int) -> None:
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late_lock)
    with temporary_file(tmp_path) as (path, file):
        file.write(b"complete")
        file.flush()
        assert path.read_bytes() == b"complete"


def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), temporary_file(tmp_path / "none"):
        pass


def test_a_folder_that_does_not_exist_has_no_leftovers(tmp_path: Path) -> None:
    assert remove_leftovers(tmp_path / "none") == 0
