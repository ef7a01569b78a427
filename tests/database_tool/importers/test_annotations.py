"""Finding the annotation lists in a folder."""

from pathlib import Path

import pytest

from database_tool.importers.annotations import find_lists
from tidzam.errors import DatasetError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("1.csv", "b/2.csv", "._1.csv", "__MACOSX/1.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_lists_in_subfolders_are_found_and_those_of_an_operating_system_are_not(folder: Path) -> None:
    assert find_lists(folder, ".csv") == [folder / "1.csv", folder / "b" / "2.csv"]


def test_a_folder_without_lists_is_refused(folder: Path) -> None:
    with pytest.raises(DatasetError, match=r"contains no \.txt file"):
        find_lists(folder, ".txt")


def test_a_path_that_does_not_exist_is_refused(folder: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere does not exist"):
        find_lists(folder / "nowhere", ".csv")
