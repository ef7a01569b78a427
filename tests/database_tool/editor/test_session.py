"""A session: edits of a dataset, which does not change before they are saved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from database_tool.editor.edits import Add, Delete, MergeClasses, NewClass, Relabel, RenameClass, Sample
from database_tool.editor.session import EditorSession
from tests.support.datasets import draft, numbers, on_a_small_disk, origin, sample, write
from tidzam.dataset import DatasetWriter, open_dataset
from tidzam.errors import DatasetError

LABELS = [0, 1, 2] * 7


@pytest.fixture
def session(tmp_path: Path) -> EditorSession:
    return EditorSession(write(tmp_path / "pond", LABELS))


def counts(session: EditorSession) -> list[int]:
    return session.content.counts()


def test_edits_are_applied_in_order(session: EditorSession) -> None:
    session.apply(Relabel((0, 1), "wren"))
    session.apply(MergeClasses("frog", "rain"))
    assert counts(session) == [12, 9]
    assert session.unsaved


def test_edits_are_undone_from_the_last(session: EditorSession) -> None:
    session.apply(Relabel((0, 1), "wren"))
    session.apply(MergeClasses("frog", "rain"))
    assert session.undo() == MergeClasses("frog", "rain")
    assert counts(session) == [6, 6, 9]
    assert session.undo() == Relabel((0, 1), "wren")
    assert counts(session) == [7, 7, 7]
    assert session.undo() is None


def test_an_undone_edit_is_redone(session: EditorSession) -> None:
    session.apply(Relabel((0, 1), "wren"))
    session.undo()
    assert session.redo() == Relabel((0, 1), "wren")
    assert counts(session) == [6, 6, 9]
    assert session.redo() is None


def test_nothing_can_be_redone_after_another_edit(session: EditorSession) -> None:
    session.apply(Relabel((0, 1), "wren"))
    session.undo()
    session.apply(Delete((5,)))
    assert session.redo() is None


def test_a_refused_edit_changes_nothing(session: EditorSession) -> None:
    before = session.content
    with pytest.raises(DatasetError):
        session.apply(RenameClass("frog", "rain"))
    assert session.content is before
    assert not session.unsaved


def test_features_and_origins_of_own_and_added_samples(session: EditorSession) -> None:
    session.apply(Add((Sample(sample(77), origin(77)),), "rain"))
    np.testing.assert_array_equal(session.features([21, 3, 20]), [sample(77), sample(3), sample(20)])
    assert [session.origin(21), session.origin(20)] == [origin(77), origin(20)]


def matching(session: EditorSession) -> list[int]:
    return [int(index) for index in np.flatnonzero(session.matching("Recording-1"))]


def test_a_search_runs_once(session: EditorSession) -> None:
    reports: list[int] = []
    for _ in range(3):
        session.matching("Recording-1", advance=lambda done, total: reports.append(total))
    assert reports == [21]


def test_a_search_covers_added_samples(session: EditorSession) -> None:
    assert matching(session) == [4, 5, 6, 7]
    session.apply(Add((Sample(sample(77), origin(5)),), "rain"))
    assert matching(session) == [4, 5, 6, 7, 21]


def test_a_search_runs_again_when_another_sample_is_added_in_place_of_an_undone_one(session: EditorSession) -> None:
    session.apply(Add((Sample(sample(77), origin(5)),), "rain"))
    assert matching(session) == [4, 5, 6, 7, 21]
    session.undo()
    session.apply(Add((Sample(sample(78), origin(0)),), "rain"))
    assert matching(session) == [4, 5, 6, 7]


def test_a_search_runs_again_after_saving(session: EditorSession) -> None:
    assert matching(session) == [4, 5, 6, 7]
    session.apply(Delete((0,)))
    session.save()
    assert matching(session) == [3, 4, 5, 6]


@pytest.fixture(params=[False, True])
def edited(request: pytest.FixtureRequest, session: EditorSession) -> EditorSession:
    """A session with a moved sample, a new class with two added samples, and deletions or none."""
    session.apply(Relabel((0,), "wren"))
    session.apply(NewClass("owl", "wren"))
    session.apply(Add(tuple(Sample(sample(number), origin(number)) for number in (77, 78)), "owl"))
    if request.param:
        session.apply(Delete((1, 20, 21)))  # the last is the first added one
    return session


def test_saving_writes_the_remaining_samples(edited: EditorSession) -> None:
    deleted = {1, 20, 77} if any(isinstance(edit, Delete) for edit in edited.edits) else set()
    edited.save()
    expected = [number for number in (*range(21), 77, 78) if number not in deleted]
    assert numbers(open_dataset(edited.dataset.folder)) == expected


def test_saving_writes_labels_and_origins(edited: EditorSession) -> None:
    edited.save()
    saved = open_dataset(edited.dataset.folder)
    assert [saved.labels[0], saved.labels[-1]] == [2, 3]
    assert saved.origins()[len(saved) - 1] == origin(78)


def test_saving_writes_classes_and_their_tree(edited: EditorSession) -> None:
    edited.save()
    saved = open_dataset(edited.dataset.folder)
    assert saved.classes == ("frog", "rain", "wren", "owl")
    assert saved.manifest.labels.parents["owl"] == "wren"


def test_saving_records_the_edits(edited: EditorSession) -> None:
    edited.save()
    (step,) = open_dataset(edited.dataset.folder).manifest.provenance["steps"]
    assert (step["operation"], step["added"], step["classes"]) == ("edit", 2, ["class owl created"])


def test_editing_continues_after_saving(edited: EditorSession) -> None:
    saved = edited.save()
    assert not edited.unsaved
    assert edited.undo() is None
    edited.apply(Delete((0,)))
    assert sum(counts(edited)) == len(saved) - 1


def test_saving_to_another_folder_leaves_the_old_dataset(session: EditorSession, tmp_path: Path) -> None:
    session.apply(Delete((0,)))
    session.save(tmp_path / "creek")
    assert (len(open_dataset(tmp_path / "pond")), len(open_dataset(tmp_path / "creek"))) == (21, 20)


def test_after_saving_to_another_folder_that_one_is_edited(session: EditorSession, tmp_path: Path) -> None:
    session.apply(Delete((0,)))
    session.save(tmp_path / "creek")
    assert (session.dataset.folder, session.dataset.name) == (tmp_path / "creek", "creek")


def test_another_dataset_is_not_replaced(session: EditorSession, tmp_path: Path) -> None:
    write(tmp_path / "creek", [0])
    session.apply(Delete((0,)))
    with pytest.raises(DatasetError, match="creek exists; nothing was saved"):
        session.save(tmp_path / "creek")
    assert session.unsaved
    assert len(open_dataset(tmp_path / "creek")) == 1


def test_its_own_folder_may_be_named(session: EditorSession, tmp_path: Path) -> None:
    session.apply(Delete((0,)))
    session.save(tmp_path / "pond")
    assert len(open_dataset(tmp_path / "pond")) == 20


def test_a_dataset_that_is_being_written_cannot_be_saved(session: EditorSession) -> None:
    session.apply(Delete((0,)))
    with DatasetWriter(session.dataset.folder, draft()), pytest.raises(DatasetError) as caught:
        session.save()
    assert caught.value.code == "dataset_busy"
    assert session.unsaved


def test_a_dataset_that_another_program_changed_is_not_replaced(session: EditorSession) -> None:
    session.apply(Delete((0,)))
    write(session.dataset.folder, [0, 0])
    with pytest.raises(DatasetError) as caught:
        session.save()
    assert caught.value.code == "dataset_changed"
    assert session.unsaved
    assert len(open_dataset(session.dataset.folder)) == 2


ON_A_SMALL_DISK = """
import sys
from pathlib import Path
from database_tool.editor.edits import Add, Delete, Sample
from database_tool.editor.session import EditorSession
from tests.support.datasets import origin, sample, write
from tidzam.dataset import open_dataset

folder = Path(sys.argv[1]) / "pond"
session = EditorSession(write(folder, [0, 1, 2] * 200, a_shard=1000))
session.apply(Delete((0,)))
session.apply(Add(tuple(Sample(sample(number), origin(number)) for number in range(3000)), "wren"))
if sys.argv[2] == "read-only":
    import subprocess
    subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
try:
    session.save()
except Exception as error:
    print(type(error).__name__, error.code, error)
print(len(open_dataset(folder)), len(session.edits), sum(session.content.counts()))
"""


@pytest.mark.parametrize(("way", "reason"), [("full", "No space left"), ("read-only", "Read-only file system")])
def test_no_edit_is_lost_on_a_full_or_read_only_disk(tmp_path: Path, way: str, reason: str) -> None:
    argv = [*on_a_small_disk(tmp_path), sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path), way]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert not done.stderr
    message, kept = done.stdout.splitlines()
    assert message.startswith("DatasetError dataset_write")
    assert reason in message
    assert "save again" in message
    assert kept == "600 2 3599"
