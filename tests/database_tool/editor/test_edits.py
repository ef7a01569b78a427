"""Edits as values: each makes a new content and leaves the old one unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database_tool.editor.edits import (
    Add,
    Content,
    Delete,
    DeleteClass,
    Edit,
    MergeClasses,
    MoveClass,
    NewClass,
    Relabel,
    RenameClass,
    Sample,
    replay,
)
from tests.support.datasets import origin, sample
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree

TREE = LabelTree({"frog": None, "rain": None, "birds": None, "wren": "birds"})


def content() -> Content:
    """frog 0 2 4, rain 1, wren 3, and an empty class birds above wren."""
    return Content(("frog", "rain", "birds", "wren"), TREE, np.array([0, 1, 0, 3, 0], np.int32))


def named(content: Content) -> list[str | None]:
    return [content.label_of(number) for number in range(len(content.labels))]


@pytest.mark.parametrize(
    ("edit", "labels", "parents"),
    [
        (Relabel((0, 3), "rain"), ["rain", "rain", "frog", "rain", "frog"], {}),
        (Delete((0, 3)), [None, "rain", "frog", None, "frog"], {}),
        (RenameClass("birds", "fowl"), ["frog", "rain", "frog", "wren", "frog"], {"fowl": None, "wren": "fowl"}),
        (RenameClass("wren", "owl"), ["frog", "rain", "frog", "owl", "frog"], {"owl": "birds"}),
        (MergeClasses("frog", "wren"), ["wren", "rain", "wren", "wren", "wren"], {"wren": "birds"}),
        (MergeClasses("wren", "birds"), ["frog", "rain", "frog", "birds", "frog"], {"birds": None}),
        (MergeClasses("birds", "wren"), ["frog", "rain", "frog", "wren", "frog"], {"wren": None}),
        (MergeClasses("birds", "rain"), ["frog", "rain", "frog", "wren", "frog"], {"wren": "rain"}),
        (DeleteClass("birds"), ["frog", "rain", "frog", "wren", "frog"], {"wren": None}),
        (DeleteClass("frog"), [None, "rain", None, "wren", None], {"wren": "birds"}),
        (MoveClass("frog", "birds"), ["frog", "rain", "frog", "wren", "frog"], {"frog": "birds", "wren": "birds"}),
        (MoveClass("wren", None), ["frog", "rain", "frog", "wren", "frog"], {"wren": None}),
        (NewClass("owl", "birds"), ["frog", "rain", "frog", "wren", "frog"], {"owl": "birds", "wren": "birds"}),
    ],
)
def test_the_content_after_an_edit(edit: Edit, labels: list[str | None], parents: dict[str, str | None]) -> None:
    before = content()
    after = edit.apply(before)
    assert named(after) == labels
    assert sum(after.counts()) == sum(label is not None for label in labels)
    assert {label: after.tree.parents[label] for label in parents} == parents
    assert set(after.classes) <= set(after.tree)
    assert len(str(edit)) > 5
    assert named(before) == ["frog", "rain", "frog", "wren", "frog"]
    assert before.tree is TREE


def test_added_samples_come_last_and_are_edited_like_the_others() -> None:
    fresh = tuple(Sample(sample(number), origin(number)) for number in (7, 8))
    after = replay(content(), [Add(fresh, "rain"), Relabel((6,), "wren"), Delete((5,))])
    assert named(after)[5:] == [None, "wren"]
    assert after.added == fresh
    assert after.members("wren").tolist() == [3, 6]
    assert after.counts() == [3, 1, 0, 2]


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (Relabel((0,), "owl"), "no class 'owl'"),
        (NewClass("frog"), "Class 'frog' exists"),
        (NewClass("a/b"), "cannot be called"),
        (RenameClass("frog", "rain"), "Class 'rain' exists"),
        (RenameClass("frog", ""), "cannot be called"),
        (MergeClasses("frog", "frog"), "into itself"),
        (MoveClass("birds", "wren"), "own ancestor"),
        (MoveClass("wren", "fish"), "no label 'fish'"),
    ],
)
def test_an_impossible_edit_is_refused_with_a_reason(edit: Edit, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason) as caught:
        edit.apply(content())
    assert caught.value.code == "dataset_edit"


def test_the_last_class_cannot_be_deleted() -> None:
    only = Content(("frog",), LabelTree.flat(("frog",)), np.zeros(2, np.int32))
    with pytest.raises(DatasetError, match="last class"):
        DeleteClass("frog").apply(only)


NAMES = st.sampled_from(("frog", "rain", "birds", "wren", "owl"))
SAMPLES = st.lists(st.integers(0, 4), max_size=3, unique=True).map(tuple)
EDITS = st.one_of(
    st.builds(Relabel, SAMPLES, NAMES),
    st.builds(Delete, SAMPLES),
    st.builds(NewClass, NAMES, st.none() | NAMES),
    st.builds(RenameClass, NAMES, NAMES),
    st.builds(MergeClasses, NAMES, NAMES),
    st.builds(DeleteClass, NAMES),
    st.builds(MoveClass, NAMES, st.none() | NAMES),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(EDITS, max_size=12))
def test_any_sequence_of_edits_leaves_a_consistent_content(edits: list[Edit]) -> None:
    now = content()
    for edit in edits:
        try:
            now = edit.apply(now)
        except DatasetError as error:
            assert error.code == "dataset_edit"
        assert len(set(now.classes)) == len(now.classes) >= 1
        assert set(now.classes) <= set(now.tree)
        assert now.labels.dtype == np.int32
        assert -1 <= now.labels.min() <= now.labels.max() < len(now.classes)
