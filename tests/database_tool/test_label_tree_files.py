"""Label trees in YAML files."""

from pathlib import Path

import pytest

from database_tool.options import tree_of
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree


def tree_in(folder: Path, text: str) -> LabelTree:
    path = folder / "tree.yaml"
    path.write_text(text, encoding="utf-8")
    found = tree_of(path)
    assert found is not None
    return found


MISREAD = ["no", "12", "yes", "null", "~", "2024-01-01", "1e3", "1.5", "0x1f", "on", "12:30"]


@pytest.mark.parametrize("name", MISREAD)
def test_a_label_that_yaml_reads_as_something_else_must_be_quoted(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match=rf"tree.yaml:3: YAML reads .*'{name}'"):
        tree_in(tmp_path, f"birds:\nwren: birds\n{name}: birds\n")


@pytest.mark.parametrize("name", MISREAD)
def test_a_quoted_label_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    assert tree_in(tmp_path, f"birds:\n'{name}': birds\n").parents == {"birds": None, name: "birds"}


def test_a_parent_that_yaml_reads_as_something_else_must_be_quoted(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"tree.yaml:2: YAML reads no as true or false"):
        tree_in(tmp_path, "birds:\nwren: no\n")


@pytest.mark.parametrize("twice", ["wren: birds\nwren: rain", "'é':\n'e\u0301':"])
def test_a_label_that_occurs_twice_is_reported_with_both_lines(tmp_path: Path, twice: str) -> None:
    with pytest.raises(DatasetError, match="on line 2 and on line 3"):
        tree_in(tmp_path, f"birds:\n{twice}\n")


def test_a_label_tree_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_bytes("birds:\nmésange: birds\n".encode("utf-16"))
    assert tree_of(tmp_path / "tree.yaml") == LabelTree({"birds": None, "mésange": "birds"})


INVALID = [
    "- a\n",
    "",
    "a: [b]\n",
    "a: {b: }\n",
    "a: b\n",
    "[" * 5000,
    "a: &x [*x]\n",
    "\x00",
    "a:\n---\nb:\n",
    "a:\n\tb: c\n",
    "%YAML 9.9\n---\na:\n",
    "a: [\n",
    "a: 'b\n",
    "a:\na:\n",
]


@pytest.mark.parametrize("text", INVALID)
def test_an_invalid_label_tree_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(DatasetError, match=r"tree\.yaml") as caught:
        tree_in(tmp_path, text)
    assert str(caught.value).isprintable()
