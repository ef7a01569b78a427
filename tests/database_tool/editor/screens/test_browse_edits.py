"""The first screen: editing samples and classes, saving, quitting."""

from __future__ import annotations

from pathlib import Path

import pytest

from database_tool.editor.widgets import Title
from tests.support.datasets import draft
from tests.support.editor import editing
from tidzam.dataset import DatasetWriter, open_dataset

pytestmark = pytest.mark.timeout(30)

FROG, RAIN, WREN = ["0", "frog", "4"], ["1", "rain", "4"], ["2", "wren < birds", "4"]


async def test_a_sample_is_relabelled(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "r", "w", "enter")
        assert app.session.content.counts() == [3, 4, 5]
        assert "1 sample moved to wren" in person.messages
        assert "1 unsaved edit" in person.text(Title)


async def test_an_edit_is_undone(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "r", "w", "enter", "u")
        assert app.session.content.counts() == [4, 4, 4]
        assert "saved" in person.text(Title)


async def test_an_edit_is_redone(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "r", "w", "enter", "u", "y")
        assert app.session.content.counts() == [3, 4, 5]


@pytest.mark.parametrize(("key", "message"), [("u", "nothing to undo"), ("y", "nothing to redo")])
async def test_without_edits_there_is_nothing_to_undo(pond: Path, key: str, message: str) -> None:
    async with editing(pond) as (_, person):
        await person.press(key)
        assert person.messages == message


async def test_marked_samples_are_moved_together_to_a_new_class(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "space", "space", "down", "space", "m", *"owl", "enter")
        assert app.session.content.members("owl").tolist() == [0, 1, 3]
        assert ["3", "owl", "3"] in person.classes
        assert "marked" not in person.text("#page")


async def test_samples_are_deleted(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("tab", "down", "d", "d")
        assert person.samples == [0, 3, *range(4, 12)]


async def test_a_class_is_created(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("n", *"owl", "enter")
        assert person.classes[-1] == ["3", "owl", "0"]


async def test_a_class_is_created_with_a_parent_and_normalized(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("n")
        await person.answer("birds < me\u0301sange\u00a0")
        assert app.session.content.tree.parents["m\u00e9sange"] == "birds"


async def test_a_class_is_moved_below_another(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("n", *"owl", "enter", "o", "b", "enter")
        assert person.classes[-1] == ["3", "owl < birds", "0"]


async def test_a_class_is_renamed(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("down", "down", "r", *"hail", "enter")
        assert person.classes[2] == ["1", "hail", "4"]


async def test_a_class_is_merged_into_another(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("down", "down", "m", "w", "enter")
        assert person.classes == [["", "all", "12"], FROG, ["1", "wren < birds", "8"]]


async def test_an_empty_class_is_deleted_without_a_question(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("n", *"owl", "enter", "d")
        assert person.classes[1:] == [FROG, RAIN, WREN]


async def test_a_class_with_samples_is_deleted_after_a_question(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("down", "down", "d", "d")
        assert person.classes == [["", "all", "8"], FROG, ["1", "wren < birds", "4"]]


async def test_deleting_a_class_can_be_cancelled(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("down", "down", "d", "escape")
        assert person.classes[1:] == [FROG, RAIN, WREN]


async def test_edits_of_classes_are_undone(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("n", *"owl", "enter", "down", "down", "m", "w", "enter", "u", "u")
        assert person.classes[1:] == [FROG, RAIN, WREN]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["d"], "Select a class first"),
        (["down", "r", *"rain", "enter"], "Class 'rain' exists"),
        (["down", "d", "d"] * 3, "last class"),
    ],
)
async def test_a_refused_edit_is_explained(pond: Path, keys: list[str], message: str) -> None:
    async with editing(pond) as (_, person):
        await person.press(*keys)
        assert message in person.messages


async def test_a_refused_edit_changes_nothing(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("down", "r", *"rain", "enter")
        assert not app.session.unsaved


async def test_without_edits_there_is_nothing_to_save(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("s")
        assert person.messages == "nothing to save"


async def test_edits_are_saved_and_editing_continues(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("tab", "d", "s")
        await person.wait()
        assert "saved" in person.text(Title)
        assert person.samples == list(range(11))
    assert len(open_dataset(pond)) == 11


async def test_edits_are_saved_as_another_dataset(pond: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with editing(pond) as (_, person):
        await person.press("tab", "d", "S", *"dew", "enter")
        await person.wait()
    assert (len(open_dataset(tmp_path / "dew")), len(open_dataset(pond))) == (11, 12)


async def test_edits_that_cannot_be_saved_are_kept(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "d")
        with DatasetWriter(pond, draft()):
            await person.press("s")
            await person.wait()
        assert str(pond) in person.messages
        assert app.session.unsaved


async def test_quitting_with_unsaved_edits_can_be_cancelled(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "d", "q", "escape")
        assert app.is_running
        assert app.session.unsaved


async def test_quitting_can_save(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("tab", "d", "q", "s")
        await person.wait()
    assert len(open_dataset(pond)) == 11


async def test_quitting_can_discard(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "d", "q", "d")
        assert not app.is_running or app._exit
    assert len(open_dataset(pond)) == 12
