"""Likely label errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from database_tool.editor.edits import MergeClasses, Relabel, RenameClass
from database_tool.editor.label_errors import LabelIssue, find_label_issues
from database_tool.editor.session import EditorSession
from tests.support.audio_datasets import SPEC
from tests.support.bundles import write_tone_bundle
from tidzam.bundle import Bundle
from tidzam.errors import DatasetError

TONES = {"frog": (500.0,), "wren": (5000.0,)}


@pytest.fixture(scope="module")
def folder(written_pond: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where bundles are written."""
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture
def session(written_pond: Path) -> EditorSession:
    return EditorSession.open(written_pond)


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return write_tone_bundle(folder, "tones", TONES)


def label_issues(session: EditorSession, bundle: Bundle) -> list[LabelIssue]:
    return find_label_issues(session.content, session.dataset.spec, session.features, bundle)


def test_correct_labels_are_not_listed(session: EditorSession, bundle: Bundle) -> None:
    assert label_issues(session, bundle) == []


def test_wrong_labels_are_listed(session: EditorSession, bundle: Bundle) -> None:
    session.apply(Relabel((1,), "wren"))
    session.apply(Relabel((10,), "frog"))
    found = {(issue.sample, issue.label, issue.predicted) for issue in label_issues(session, bundle)}
    assert found == {(1, "wren", "frog"), (10, "frog", "wren")}


def test_the_largest_margin_is_first(session: EditorSession, bundle: Bundle) -> None:
    session.apply(Relabel((1,), "wren"))
    session.apply(Relabel((10,), "frog"))
    margins = [issue.margin for issue in label_issues(session, bundle)]
    assert margins == sorted(margins, reverse=True)
    assert margins[-1] > 0.8


def test_samples_of_classes_that_the_bundle_does_not_know_are_skipped(session: EditorSession, bundle: Bundle) -> None:
    session.apply(Relabel((1,), "rain"))
    assert label_issues(session, bundle) == []


def test_an_ancestor_is_not_a_contradiction(session: EditorSession, folder: Path) -> None:
    bundle = write_tone_bundle(folder, "above", {"frog": (500.0,), "birds": (5000.0,)})
    session.apply(Relabel((1,), "wren"))
    assert [(issue.sample, issue.predicted) for issue in label_issues(session, bundle)] == [(1, "frog")]


def test_a_bundle_with_shorter_windows_can_be_used(session: EditorSession, folder: Path) -> None:
    bundle = write_tone_bundle(folder, "short", TONES, features=replace(SPEC, window_s=0.4))
    session.apply(Relabel((1,), "wren"))
    assert [issue.sample for issue in label_issues(session, bundle)] == [1]


def test_a_bundle_with_longer_windows_is_refused(session: EditorSession, folder: Path) -> None:
    long = write_tone_bundle(folder, "long", TONES, features=replace(SPEC, window_s=2))
    with pytest.raises(DatasetError, match="Samples have 1 s, but long needs windows of 2 s"):
        label_issues(session, long)


def test_a_bundle_with_other_features_is_refused(session: EditorSession, folder: Path) -> None:
    other = write_tone_bundle(folder, "other", TONES, features=replace(SPEC, n_mels=32))
    with pytest.raises(DatasetError, match="n_mels 64; other has n_mels 32"):
        label_issues(session, other)


def test_a_bundle_without_a_class_of_the_dataset_is_refused(session: EditorSession, bundle: Bundle) -> None:
    session.apply(RenameClass("frog", "toad"))
    session.apply(MergeClasses("wren", "rain"))
    with pytest.raises(DatasetError, match="tones has none of the dataset's classes"):
        label_issues(session, bundle)
