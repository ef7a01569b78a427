"""Reviewing near-duplicates and likely label errors."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.widgets import DataTable

from database_tool.editor.edits import Relabel
from database_tool.editor.screens.review import DuplicatesScreen, LabelIssuesScreen
from database_tool.editor.session import EditorSession
from database_tool.editor.widgets import SpectrogramView, Title
from tests.support.bundles import write_tone_bundle
from tests.support.editor import Person, editing

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(scope="module")
def written(written_pond: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `mislabelled` dataset, whose samples 1 and 10 have each other's label."""
    folder = tmp_path_factory.mktemp("written")
    session = EditorSession.open(Path(shutil.copytree(written_pond, folder / "mislabelled")))
    session.apply(Relabel((1,), "wren"))
    session.apply(Relabel((10,), "frog"))
    session.save()
    return folder


@pytest.fixture
def mislabelled(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written / "mislabelled", tmp_path / "mislabelled"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that recognizes frogs and wrens."""
    return write_tone_bundle(tmp_path_factory.mktemp("bundle"), "tones", {"frog": (500.0,), "wren": (5000.0,)}).folder


def rows(person: Person) -> list[list[str]]:
    table = person.app.screen.query_one("#found", DataTable)
    return [[cell.plain for cell in table.get_row_at(row)] for row in range(table.row_count)]


async def _find_label_issues(person: Person) -> None:
    await person.press("l")
    await person.wait()


async def test_label_errors_are_listed(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (app, person):
        await _find_label_issues(person)
        assert isinstance(app.screen, LabelIssuesScreen)
        assert {(sample, label, predicted) for sample, label, _, predicted, _ in rows(person)} == {
            ("1", "wren", "frog"),
            ("10", "frog", "wren"),
        }


async def test_both_probabilities_are_listed(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (_, person):
        await _find_label_issues(person)
        _, _, p_label, _, p_predicted = rows(person)[0]
        assert float(p_label) < 0.1
        assert float(p_predicted) > 0.9


async def test_a_prediction_is_accepted(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (app, person):
        await _find_label_issues(person)
        sample, _, _, predicted, _ = rows(person)[0]
        await person.press("a")
        assert app.session.content.label_of(int(sample)) == predicted
        assert len(rows(person)) == 1


async def test_an_undone_edit_brings_its_finding_back(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (_, person):
        await _find_label_issues(person)
        await person.press("a", "u")
        assert len(rows(person)) == 2


async def test_a_label_is_kept(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (app, person):
        await _find_label_issues(person)
        await person.press("k")
        assert "1 of 2 to review" in person.text(Title)
        assert not app.session.unsaved


async def test_a_sample_is_moved_to_another_class(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (app, person):
        await _find_label_issues(person)
        await person.press("r", *"rain", "enter")
        assert app.session.content.counts()[1] == 5


async def test_a_sample_is_deleted(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (app, person):
        await _find_label_issues(person)
        await person.press("d")
        assert sum(app.session.content.counts()) == 11


async def test_keys_do_nothing_when_all_is_reviewed(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled, bundle=bundle) as (app, person):
        await _find_label_issues(person)
        await person.press("k", "k", "p", "d", "a", "escape")
        assert app.screen is app.browse
        assert not app.session.unsaved


async def test_the_bundle_is_asked_for(mislabelled: Path, bundle: Path) -> None:
    async with editing(mislabelled) as (_, person):
        await person.press("l")
        await person.answer(str(bundle))
        assert len(rows(person)) == 2


async def test_a_folder_that_is_not_a_bundle_is_refused_and_another_asked_for(
    mislabelled: Path, bundle: Path, tmp_path: Path
) -> None:
    async with editing(mislabelled) as (app, person):
        await person.press("l")
        await person.answer(str(tmp_path))
        assert str(tmp_path) in person.messages
        assert app.screen is app.browse
        await person.press("l")
        await person.answer(str(bundle))
        assert len(rows(person)) == 2


async def _find_duplicates(person: Person) -> None:
    await person.press("f")
    await person.wait()


async def test_steady_tones_are_near_duplicates_and_noise_is_not(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await _find_duplicates(person)
        assert isinstance(app.screen, DuplicatesScreen)
        assert not {"4", "5", "6", "7"} & {sample for _, one, _, other, _ in rows(person) for sample in (one, other)}
        assert float(rows(person)[0][0]) > 0.98


async def test_both_samples_are_displayed(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await _find_duplicates(person)
        assert [view.features is None for view in app.screen.query(SpectrogramView)] == [False, False]


@pytest.mark.parametrize(("key", "column"), [("d", 3), ("D", 1)])
async def test_either_sample_is_deleted(pond: Path, key: str, column: int) -> None:
    async with editing(pond) as (app, person):
        await _find_duplicates(person)
        sample = int(rows(person)[0][column])
        await person.press(key)
        assert app.session.content.label_of(sample) is None


async def test_other_pairs_of_a_deleted_sample_are_hidden(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await _find_duplicates(person)
        deleted = rows(person)[0][3]
        await person.press("d")
        assert not [row for row in rows(person) if deleted in (row[1], row[3])]


async def test_both_samples_are_kept(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await _find_duplicates(person)
        found = len(rows(person))
        await person.press("k")
        assert len(rows(person)) == found - 1


async def test_that_there_are_no_near_duplicates_is_reported(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("down", "down")
        await _find_duplicates(person)
        assert "no near-duplicates among 4 samples of rain" in person.messages
        assert app.screen is app.browse
