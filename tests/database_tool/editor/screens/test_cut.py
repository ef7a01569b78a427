"""Cutting samples from an audio file: cursor, marks, and what is added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from database_tool.editor.screens import cut as cut_screen
from database_tool.editor.screens.cut import CutScreen, Viewport
from database_tool.editor.widgets import SpectrogramView, Title
from tests.support.audio_datasets import SPEC
from tests.support.editor import Person, editing
from tests.support.sound import write_tones
from tidzam.dataset import DatasetWriter, Draft, open_dataset
from tidzam.labels import LabelTree

pytestmark = pytest.mark.timeout(30)

VIEW = Viewport(length_s=60, window_s=1)
MARK_2_TO_5 = ["down", "down", "left_square_bracket", "down", "down", "down", "right_square_bracket", "home"]


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of two channels and 30 s."""
    return write_tones(tmp_path_factory.mktemp("tones") / "tones.wav", 2, seconds=30)


@pytest.mark.parametrize(("to_s", "at_s"), [(3.0, 3.0), (-1.0, 0.0), (70.0, 59.0), (12.0, 12.0)])
def test_the_cursor_stays_in_the_file_and_on_the_page(to_s: float, at_s: float) -> None:
    view = VIEW.go(to_s)
    assert view.at_s == at_s
    assert view.page_at_s <= at_s <= view.page_at_s + view.page_s - 1


def test_the_cursor_returns_to_the_first_page() -> None:
    assert VIEW.go(70.0).go(0.0) == VIEW


@pytest.mark.parametrize(
    ("view", "marked", "selection"),
    [
        (VIEW, None, (0, 1)),
        (replace(VIEW, start_s=2, at_s=5), (2, 5), (2, 5)),
        (replace(VIEW, end_s=5, at_s=2), (2, 5), (2, 5)),
        (replace(VIEW, start_s=2, end_s=4, at_s=50), (2, 4), (2, 4)),
        (replace(VIEW, start_s=4, end_s=2), None, (0, 1)),
    ],
)
def test_marks(view: Viewport, marked: tuple[float, float] | None, selection: tuple[float, float]) -> None:
    assert view.marked == marked
    assert view.selection == selection


def test_the_ruler_shows_cursor_window_and_mark() -> None:
    view = replace(VIEW, start_s=2.0, end_s=6.0, at_s=1.0)
    assert view.ruler(20) == "  ^-" + "=" * 8 + " " * 8
    assert view.ruler(0) == ""


def test_the_ruler_shows_times() -> None:
    assert VIEW.times(50) == f"{'0:00.0':<10}{'0:02.0':<10}{'0:04.0':<10}{'0:06.0':<10}0:08.0"


def test_zooming_keeps_the_cursor_on_the_page() -> None:
    view = VIEW.go(30)
    for factor in (0.5, 0.5, 0.5, 2, 2, 2, 2, 2, 2):
        view = view.zoom(factor)
        assert view.page_at_s <= view.at_s < view.page_at_s + view.page_s


async def test_a_page_of_the_file_is_displayed(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await person.wait()
        assert app.screen.query_one(SpectrogramView).features is not None
        assert "tones.wav · 0:30.0 · all channels" in person.text("#place")


async def test_channels_are_selected_in_turn(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (_, person):
        await person.press("c", "c")
        assert "channel 1 of 2" in person.text("#place")
        await person.press("c")
        assert "all channels" in person.text("#place")


async def test_a_section_is_marked(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (_, person):
        await person.press(*MARK_2_TO_5)
        assert "marked 0:02.0 to 0:05.0" in person.text("#place")


async def _add_channel_1_to_owl(person: Person) -> None:
    await person.press("c", "c", *MARK_2_TO_5, "enter")
    await person.wait_for_dialog()
    await person.press(*"owl", "enter")
    await person.wait()


async def test_a_marked_section_is_added_to_a_new_class(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await _add_channel_1_to_owl(person)
        assert app.session.content.counts() == [4, 4, 4, 3]
        assert "3 samples added to owl" in person.messages


async def test_adding_clears_the_marks(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (_, person):
        await _add_channel_1_to_owl(person)
        assert "nothing marked" in person.text("#place")
        assert "2 unsaved edits" in person.text(Title)


async def test_added_samples_are_saved_with_their_origins(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (_, person):
        await _add_channel_1_to_owl(person)
        await person.press("s")
        await person.wait()
    added = open_dataset(pond).origins()[12:]
    expected = [(str(tones), offset_s, 1) for offset_s in (2, 3, 4)]
    assert [(origin.file, origin.offset_s, origin.channel) for origin in added] == expected


async def test_added_samples_have_the_features_of_their_channel(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await _add_channel_1_to_owl(person)
        features = app.session.features([12, 13, 14]).mean(axis=1)
        assert features.argmax(axis=1).tolist() == [features[0].argmax()] * 3


async def test_the_window_at_the_cursor_is_added_without_marks(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await person.press("pagedown", "right", "enter")
        await person.wait_for_dialog()
        await person.press("r", "enter")
        (added,) = app.session.content.added
        assert added.origin.offset_s == pytest.approx(10.1)


async def test_adding_is_undone(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await person.press("enter")
        await person.wait_for_dialog()
        await person.press("r", "enter", "u")
        assert app.session.content.counts() == [4, 4, 4]


async def test_escape_clears_the_marks_then_leaves(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await person.press(*MARK_2_TO_5, "escape")
        assert "nothing marked" in person.text("#place")
        await person.press("escape")
        assert app.screen is app.browse


async def test_a_section_that_is_too_long_is_refused(pond: Path, tones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut_screen, "MAX_CUT_S", 1.5)
    async with editing(pond, stream=tones) as (app, person):
        await person.press(*MARK_2_TO_5, "enter")
        await person.wait()
        assert "has 0:03.0; at most 0:01.5" in person.messages
        assert not app.session.unsaved


async def test_pages_are_displayed_as_the_cursor_moves(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await person.wait()
        view = app.screen.query_one(SpectrogramView)
        first = view.features
        await person.press("end")
        await person.wait()
        assert first is not None
        assert view.features is not None
        assert not np.array_equal(first, view.features)


async def test_a_page_past_the_end_is_padded_with_silence(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (app, person):
        await person.press("end")
        await person.wait()
        features = app.screen.query_one(SpectrogramView).features
        assert features is not None
        assert (features[-50:] == SPEC.floor_db).all()


async def test_playback_ends(pond: Path, tones: Path) -> None:
    async with editing(pond, stream=tones) as (_, person):
        await person.press("p")
        await person.wait()
        assert "▶" not in person.text(Title)


async def test_a_file_is_asked_for(pond: Path, tones: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("c")
        await person.answer(str(tones))
        assert isinstance(app.screen, CutScreen)


async def test_a_file_that_is_not_audio_is_refused(pond: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not audio")
    async with editing(pond) as (app, person):
        await person.press("c")
        await person.answer(str(tmp_path / "notes.txt"))
        assert "notes.txt" in person.messages
        assert app.screen is app.browse


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A dataset with one class and no sample."""
    draft = Draft(name="new", spec=SPEC, classes=("frog",), labels=LabelTree.flat(("frog",)))
    with DatasetWriter(tmp_path / "new", draft) as writer:
        return writer.finish(provenance={}).folder


async def test_an_empty_dataset_gets_its_first_sample(empty: Path, tones: Path) -> None:
    async with editing(empty, stream=tones) as (_, person):
        await person.press("enter")
        await person.wait_for_dialog()
        await person.press("enter", "s")
        await person.wait()
    assert len(open_dataset(empty)) == 1


async def test_keys_for_samples_do_nothing_in_an_empty_dataset(empty: Path) -> None:
    async with editing(empty) as (app, person):
        await person.press("p", "tab", "p", "r", "d", "space", "f")
        await person.wait()
        assert app.is_running
        assert not app.session.unsaved
