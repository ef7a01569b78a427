"""Likely label errors: what a bundle confidently contradicts, and nothing that it cannot judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from database_tool.editor.edits import DeleteClass, MergeClasses, Relabel, RenameClass
from database_tool.editor.label_errors import LabelIssue, find_label_issues
from database_tool.editor.session import EditorSession
from tests.support.audio_datasets import SPEC, write_pond
from tests.support.bundles import write_tone_bundle
from tidzam.bundle import Bundle
from tidzam.errors import DatasetError

TONES = {"frog": (500.0,), "wren": (5000.0,)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pond")
    write_pond(folder)
    write_tone_bundle(folder, "tones", TONES)
    return folder


@pytest.fixture
def session(folder: Path) -> EditorSession:
    return EditorSession.open(folder / "pond")


def doubts(session: EditorSession, bundle: Bundle) -> list[LabelIssue]:
    return find_label_issues(session.content, session.dataset.spec, session.features, bundle)


@pytest.fixture
def bundle(folder: Path) -> Bundle:
    from tidzam.bundle import read_bundle

    return read_bundle(folder / "tones")


def test_wrong_labels_are_found_and_right_ones_are_not(session: EditorSession, bundle: Bundle) -> None:
    assert doubts(session, bundle) == []
    session.do(Relabel((1,), "wren"))
    session.do(Relabel((10,), "frog"))
    found = doubts(session, bundle)
    assert {(doubt.sample, doubt.label, doubt.says) for doubt in found} == {(1, "wren", "frog"), (10, "frog", "wren")}
    assert all(doubt.p_says > 0.9 and doubt.p_label < 0.1 and doubt.margin > 0.8 for doubt in found)
    assert found[0].margin >= found[1].margin


def test_classes_that_it_does_not_know_are_left_out(session: EditorSession, bundle: Bundle) -> None:
    session.do(Relabel((1,), "rain"))  # it cannot say that this is no rain
    assert doubts(session, bundle) == []


def test_a_class_above_is_no_contradiction(session: EditorSession, folder: Path) -> None:
    bundle = write_tone_bundle(folder, "above", {"frog": (500.0,), "birds": (5000.0,)})
    session.do(Relabel((1,), "wren"))
    assert [(doubt.sample, doubt.says) for doubt in doubts(session, bundle)] == [(1, "frog")]


def test_a_bundle_of_shorter_windows_hears_all_of_a_sample(session: EditorSession, folder: Path) -> None:
    bundle = write_tone_bundle(folder, "short", TONES, features=replace(SPEC, window_s=0.4))
    session.do(Relabel((1,), "wren"))
    assert [doubt.sample for doubt in doubts(session, bundle)] == [1]


def test_what_does_not_fit_is_refused_with_a_reason(session: EditorSession, bundle: Bundle, folder: Path) -> None:
    other = write_tone_bundle(folder, "other", TONES, features=replace(SPEC, n_mels=32))
    with pytest.raises(DatasetError, match="n_mels 64; other has n_mels 32"):
        doubts(session, other)
    long = write_tone_bundle(folder, "long", TONES, features=replace(SPEC, window_s=2))
    with pytest.raises(DatasetError, match="last 1 s; long listens to 2 s"):
        doubts(session, long)
    session.do(RenameClass("frog", "toad"))
    session.do(MergeClasses("wren", "rain"))
    with pytest.raises(DatasetError, match="none of the dataset's classes"):
        doubts(session, bundle)
    session.do(DeleteClass("rain"))
