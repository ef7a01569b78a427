"""The labels of a model's outputs, from text and CSV files."""

from pathlib import Path

import pytest

from tidzam.errors import BundleError
from tidzam.models.label_file import read_label_file


def test_a_text_file_has_a_label_per_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("\ufeffowl\n wren \n\n", encoding="utf-8")
    found = read_label_file(path)
    assert found.labels == ("owl", "wren")
    assert found.scientific_names == {}


def test_a_csv_file_may_have_scientific_names(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text('id,label,scientific_name\n1,"Owl, Barn",Tyto alba\n2,rain,\n', encoding="utf-8")
    found = read_label_file(path)
    assert found.labels == ("Owl, Barn", "rain")
    assert found.scientific_names == {"Owl, Barn": "Tyto alba"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("labels.txt", b"", "contains no labels"),
        ("labels.txt", b"owl\n\nwren\n", "Line 2 of .* cannot be a label: it is empty"),
        ("labels.txt", b"owl\na/b\n", "Line 2 of .* contains a slash"),
        ("labels.txt", b"owl\nwren\nowl\n", "the label 'owl' twice"),
        ("labels.txt", b"\xff\xfe", "is not a text file in UTF-8"),
        ("labels.csv", b"name\nowl\n", "no column 'label'; its columns are name"),
        ("labels.csv", b"label\nowl\n.wren\n", "Line 3 of .* begins with a dot"),
        ("missing.txt", None, "cannot be read: No such file"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(tmp_path: Path, name: str, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleError, match=reason) as caught:
        read_label_file(tmp_path / name)
    assert caught.value.code == "bundle_labels"
