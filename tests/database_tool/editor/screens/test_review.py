"""Going through near-duplicates and likely label errors, by the keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.widgets import DataTable

from database_tool.editor.edits import Relabel
from database_tool.editor.screens.review import DuplicatesScreen, LabelIssuesScreen
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SpectrogramView, Title
from tests.support.audio_datasets import write_pond
from tests.support.bundles import write_tone_bundle
from tests.support.editor import Person, editing

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pond of which samples 1 and 10 are labelled wrongly, and a bundle that knows."""
    folder = tmp_path_factory.mktemp("made")
    session = EditorSession(write_pond(folder))
    session.do(Relabel((1,), "wren"))
    session.do(Relabel((10,), "frog"))
    session.save()
    write_tone_bundle(folder, "tones", {"frog": (500.0,), "wren": (5000.0,)})
    return folder


@pytest.fixture
def pond(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "pond", tmp_path / "pond"))


def rows(person: Person) -> list[list[str]]:
    table = person.app.screen.query_one("#found", DataTable)
    return [[cell.plain for cell in table.get_row_at(row)] for row in range(table.row_count)]


async def test_label_errors_are_accepted_kept_and_undone(pond: Path, made: Path) -> None:
    async with editing(pond, bundle=made / "tones") as (app, person):
        await person.press("l")
        await person.wait()
        assert isinstance(app.screen, LabelIssuesScreen) and {row[0] for row in rows(person)} == {"1", "10"}
        sample, label, p_label, says, p_says = rows(person)[0]
        assert (label, says) in {("wren", "frog"), ("frog", "wren")} and float(p_says) > 0.9 > 0.1 > float(p_label)
        await person.press("a")
        assert app.session.content.label_of(int(sample)) == says and len(rows(person)) == 1
        await person.press("u")
        assert len(rows(person)) == 2
        await person.press("a", "k")
        assert rows(person) == [] and "0 of 2 left" in person.reads(Title)
        await person.press("p", "d", "escape")
        assert app.screen is app.browse and len(app.session.edits) == 1


async def test_the_bundle_is_asked_for_and_what_cannot_judge_is_told(pond: Path, made: Path, tmp_path: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("l")
        person.type(str(tmp_path))
        await person.press("enter")
        await person.wait()
        assert "cannot be read" in person.told and app.screen is app.browse
        await person.press("l")
        person.type(str(made / "tones"))
        await person.press("enter")
        await person.wait()
        assert len(rows(person)) == 2
        await person.press("r", *"rain", "enter", "d")
        assert rows(person) == [] and sum(app.session.content.counts()) == 11


async def test_near_duplicates_are_shown_side_by_side_and_deleted(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("f")
        await person.wait()
        assert isinstance(app.screen, DuplicatesScreen)  # a steady tone is like itself
        found = rows(person)
        assert all(not {one, other} & {"4", "5", "6", "7"} for _, one, _, other, _ in found)  # no rain
        assert (
            all(view.features is not None for view in app.screen.query(SpectrogramView)) and float(found[0][0]) > 0.98
        )
        _, one, _, other, _ = found[0]
        await person.press("d")
        assert app.session.content.label_of(int(other)) is None and len(rows(person)) < len(found)
        await person.press("u", "D")
        assert app.session.content.label_of(int(one)) is None
        left = len(rows(person))
        await person.press("k")
        assert len(rows(person)) == left - 1


async def test_where_there_are_none_that_is_told(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("down", "down", "f")
        await person.wait()
        assert "no near-duplicates among 4 samples of rain" in person.told and app.screen is app.browse
