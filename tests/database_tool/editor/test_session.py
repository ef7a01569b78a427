"""A session: edits over a dataset that stays as it is until they are saved, whole or not at all."""

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


def test_edits_are_undone_and_done_again(session: EditorSession) -> None:
    assert session.undo() is None and session.redo() is None and not session.unsaved
    session.do(Relabel((0, 1), "wren"))
    session.do(MergeClasses("frog", "rain"))
    assert session.content.counts() == [12, 9] and session.unsaved
    assert session.undo() == MergeClasses("frog", "rain") and session.content.counts() == [6, 6, 9]
    assert session.undo() == Relabel((0, 1), "wren") and session.content.counts() == [7, 7, 7]
    assert session.redo() == Relabel((0, 1), "wren") and session.content.counts() == [6, 6, 9]
    session.do(Delete((5,)))
    assert session.redo() is None  # another way was taken
    assert session.undo() == Delete((5,)) and session.content.counts() == [6, 6, 9]


def test_a_refused_edit_changes_nothing(session: EditorSession) -> None:
    before = session.content
    with pytest.raises(DatasetError):
        session.do(RenameClass("frog", "rain"))
    assert session.content is before and not session.unsaved


def test_features_and_origins_of_own_and_added_samples(session: EditorSession) -> None:
    session.do(Add((Sample(sample(77), origin(77)),), "rain"))
    np.testing.assert_array_equal(session.features([21, 3, 20]), [sample(77), sample(3), sample(20)])
    assert session.origin(21) == origin(77) and session.origin(20) == origin(20)


def test_samples_are_sought_once(session: EditorSession) -> None:
    steps: list[int] = []
    for _ in range(3):
        found = session.holding("Recording-1", advance=lambda done, total: steps.append(total))
    assert np.flatnonzero(found).tolist() == [4, 5, 6, 7] and steps == [21]
    session.do(Add((Sample(sample(77), origin(5)),), "rain"))
    assert np.flatnonzero(session.holding("Recording-1")).tolist() == [4, 5, 6, 7, 21]
    session.undo()
    session.do(Add((Sample(sample(78), origin(0)),), "rain"))
    assert np.flatnonzero(session.holding("Recording-1")).tolist() == [4, 5, 6, 7]
    session.do(Delete((0,)))
    session.save()
    assert np.flatnonzero(session.holding("Recording-1")).tolist() == [3, 4, 5, 6]


@pytest.mark.parametrize("with_deletions", [False, True])
def test_saving_writes_what_was_decided(session: EditorSession, with_deletions: bool) -> None:
    session.do(Relabel((0,), "wren"))
    session.do(NewClass("owl", "wren"))
    session.do(Add(tuple(Sample(sample(number), origin(number)) for number in (77, 78)), "owl"))
    if with_deletions:
        session.do(Delete((1, 20, 21)))  # the last is the first of those added
    session.save()
    assert not session.unsaved and session.undo() is None
    found = open_dataset(session.dataset.folder)
    gone = {1, 20, 77} if with_deletions else set()
    assert numbers(found) == [number for number in (*range(21), 77, 78) if number not in gone]
    assert found.classes == ("frog", "rain", "wren", "owl") and found.manifest.labels.parents["owl"] == "wren"
    assert found.labels[0] == 2 and found.labels[-1] == 3 and found.origins()[len(found) - 1] == origin(78)
    (step,) = found.manifest.provenance["steps"]
    assert step["operation"] == "edit" and step["added"] == 2 and step["classes"] == ["class owl made"]
    session.do(Delete((0,)))  # and it goes on
    assert sum(session.content.counts()) == len(found) - 1


def test_saving_elsewhere_leaves_the_old_one(session: EditorSession, tmp_path: Path) -> None:
    session.do(Delete((0,)))
    session.save(tmp_path / "creek")
    assert len(open_dataset(tmp_path / "pond")) == 21 and len(open_dataset(tmp_path / "creek")) == 20
    assert session.dataset.folder == tmp_path / "creek" and session.dataset.name == "creek"


def test_another_dataset_is_not_written_over(session: EditorSession, tmp_path: Path) -> None:
    write(tmp_path / "creek", [0])
    session.do(Delete((0,)))
    with pytest.raises(DatasetError, match="already; nothing is saved"):
        session.save(tmp_path / "creek")
    assert session.unsaved and len(open_dataset(tmp_path / "creek")) == 1
    session.save(tmp_path / "pond")
    assert len(open_dataset(tmp_path / "pond")) == 20


def test_while_somebody_else_writes_nothing_is_saved_and_nothing_lost(session: EditorSession) -> None:
    session.do(Delete((0,)))
    with DatasetWriter(session.dataset.folder, draft()):
        with pytest.raises(DatasetError, match="Somebody else") as caught:
            session.save()
        assert caught.value.code == "dataset_busy" and session.unsaved
    session.save()
    assert len(open_dataset(session.dataset.folder)) == 20


def test_what_somebody_else_changed_is_not_written_over(session: EditorSession) -> None:
    session.do(Delete((0,)))
    write(session.dataset.folder, [0, 0])
    with pytest.raises(DatasetError) as caught:
        session.save()
    assert caught.value.code == "dataset_changed" and session.unsaved
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
session.do(Delete((0,)))
session.do(Add(tuple(Sample(sample(number), origin(number)) for number in range(3000)), "wren"))
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
def test_a_full_or_read_only_disk_is_told_and_nothing_is_lost(tmp_path: Path, way: str, reason: str) -> None:
    argv = [*on_a_small_disk(tmp_path), sys.executable, "-c", ON_A_SMALL_DISK, tmp_path, way]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert not done.stderr
    told, kept = done.stdout.splitlines()
    assert told.startswith("DatasetError dataset_write") and reason in told and "save again" in told
    assert kept == "600 2 3599"
