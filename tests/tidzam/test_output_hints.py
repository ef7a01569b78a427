"""What is recommended when an output cannot be written."""

import errno
import os
from pathlib import Path

import pytest

from tidzam.output_hints import hint_for


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "Free some room"),
        (errno.EACCES, "permissions"),
        (errno.ENOTDIR, "Specify a folder"),
        (errno.ENAMETOOLONG, "shorter name"),
        (errno.EIO, "Specify another place."),
    ],
)
def test_each_fault_has_its_hint(tmp_path: Path, number: int, hint: str) -> None:
    assert hint in hint_for(OSError(number, os.strerror(number)), tmp_path / "found.csv")


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "new" / "found.csv"
    with pytest.raises(FileNotFoundError) as caught:
        path.touch()
    assert hint_for(caught.value, path) == f"Create the folder {tmp_path / 'new'}, or specify another place."


def test_an_error_without_a_number_has_a_hint(tmp_path: Path) -> None:
    assert hint_for(OSError("unknown"), tmp_path) == "Specify another place."
