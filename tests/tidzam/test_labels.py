from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.errors import BundleError
from tidzam.labels import MAX_DEPTH, LabelTree, clean_label

TREE = LabelTree({"birds": None, "birds-owl": "birds", "birds-owl-barn": "birds-owl", "rain": None})

TREES = st.lists(st.integers(-1, 8), min_size=1, max_size=9).map(
    lambda parents: LabelTree(
        {f"c{k}": f"c{parent}" if 0 <= parent < k else None for k, parent in enumerate(parents)},
    )
)
"""Any forest of labels c0, c1 …: a parent comes before its children."""


def test_paths_roots_and_children() -> None:
    assert TREE.path("birds-owl-barn") == ("birds", "birds-owl", "birds-owl-barn")
    assert TREE.roots == ("birds", "rain")
    assert TREE.children("birds") == ("birds-owl",)
    assert "rain" in TREE
    assert "snow" not in TREE
    assert len(TREE) == 4


def test_a_name_says_nothing_about_the_parent() -> None:
    assert LabelTree({"birds": None, "birds-owl": None}).roots == ("birds", "birds-owl")


def test_flat() -> None:
    assert LabelTree.flat(["a", "b"], parent="p") == LabelTree({"p": None, "a": "p", "b": "p"})


@pytest.mark.parametrize(
    "parents",
    [
        {"a": "b"},
        {"a": "a"},
        {"a": "b", "b": "c", "c": "a"},
        {"": None},
        {"../up": None},
        {".hidden": None},
        {"two\nlines": None},
        {"\x1b[31mred": None},
        {"long" * 100: None},
        {"lone \ud800": None},
    ],
)
def test_what_is_no_tree_is_refused(parents: dict[str, str | None]) -> None:
    with pytest.raises(BundleError) as caught:
        LabelTree(parents)
    assert caught.value.code == "bundle_labels"


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 2000, 20_000])
def test_a_tree_deep_enough_to_exhaust_the_stack_is_refused(levels: int) -> None:
    chain = {f"c{k}": f"c{k - 1}" if k else None for k in range(levels)}
    with pytest.raises(BundleError, match=f"deeper than {MAX_DEPTH} levels"):
        LabelTree(chain)


def test_a_tree_of_the_greatest_depth_has_its_paths() -> None:
    chain = LabelTree({f"c{k}": f"c{k - 1}" if k else None for k in range(MAX_DEPTH)})
    assert chain.path(f"c{MAX_DEPTH - 1}") == tuple(f"c{k}" for k in range(MAX_DEPTH))


def test_merging_hangs_a_root_under_the_parent_that_the_other_knows() -> None:
    merged = LabelTree.flat(["birds", "rain"]).merged(LabelTree.flat(["owl"], parent="birds"))
    assert merged == LabelTree({"birds": None, "rain": None, "owl": "birds"})


def test_merging_trees_that_disagree_is_refused() -> None:
    with pytest.raises(BundleError, match="under 'birds' in one"):
        LabelTree.flat(["owl"], parent="birds").merged(LabelTree.flat(["owl"], parent="night"))


@given(TREES)
def test_every_path_goes_from_a_root_to_its_label(tree: LabelTree) -> None:
    for label in tree:
        path = tree.path(label)
        assert path[0] in tree.roots
        assert path[-1] == label
        assert all(child in tree.children(parent) for parent, child in pairwise(path))


@given(TREES)
def test_merging_with_itself_changes_nothing(tree: LabelTree) -> None:
    assert tree.merged(tree) == tree


@pytest.mark.parametrize("text", ["mésange", "me\u0301sange", " mésange\u00a0", "\ufeffmésange", "mésange\u200b \n"])
def test_a_label_has_one_spelling(text: str) -> None:
    assert clean_label(text) == "mésange"
    assert list(LabelTree({text: None})) == ["mésange"]


def test_a_parent_is_found_in_any_unicode_form() -> None:
    tree = LabelTree({"oiseaux-né": None, "tit": "oiseaux-ne\u0301"})
    assert tree.path("tit") == ("oiseaux-né", "tit")


def test_labels_that_differ_only_in_their_unicode_form_are_one_label_given_twice() -> None:
    with pytest.raises(BundleError, match="'é' is given twice"):
        LabelTree({"é": None, "e\u0301": None})


def test_a_tree_of_thousands_of_levels_is_refused() -> None:
    deep = {str(level): str(level - 1) if level else None for level in range(5000)}
    with pytest.raises(BundleError, match="deeper than 64 levels"):
        LabelTree(deep)
