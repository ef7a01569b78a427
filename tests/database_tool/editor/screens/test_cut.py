"""Cutting samples from a stream: where the cursor goes, what is marked, and what is added of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from database_tool.editor.audio_source import AudioSourceFile
from database_tool.editor.screens import cut as cutter
from database_tool.editor.screens.cut import CutScreen, Viewport
from database_tool.editor.widgets import SpectrogramView, Title
from tests.support.audio_datasets import SPEC, write_pond
from tests.support.editor import editing
from tests.support.sound import write_tones
from tidzam.dataset import DatasetWriter, Draft, open_dataset
from tidzam.labels import LabelTree

pytestmark = pytest.mark.timeout(30)

VIEW = Viewport(length_s=60, window_s=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_tones(folder / "tones.wav", 2, seconds=30)
    write_pond(folder)
    return folder


@pytest.fixture
def pond(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "pond", tmp_path / "pond"))


@pytest.mark.parametrize(("to_s", "at_s"), [(3.0, 3.0), (-1.0, 0.0), (70.0, 59.0), (12.0, 12.0)])
def test_the_cursor_stays_in_the_stream_and_on_the_page(to_s: float, at_s: float) -> None:
    view = VIEW.go(to_s)
    assert view.at_s == at_s and view.page_at_s <= at_s <= view.page_at_s + view.page_s - 1
    assert view.go(0.0) == VIEW


def test_what_is_marked() -> None:
    assert VIEW.marked is None and VIEW.chosen == (0, 1)
    assert replace(VIEW, start_s=2, at_s=5).marked == (2, 5) == replace(VIEW, end_s=5, at_s=2).marked
    assert replace(VIEW, start_s=2, end_s=4, at_s=50).chosen == (2, 4)
    assert replace(VIEW, start_s=4, end_s=2).marked is None


def test_the_ruler_shows_cursor_window_and_mark() -> None:
    view = replace(VIEW, start_s=2.0, end_s=6.0, at_s=1.0)
    assert view.ruler(20) == "  ^-" + "=" * 8 + " " * 8
    assert view.times(50) == f"{'0:00.0':<10}{'0:02.0':<10}{'0:04.0':<10}{'0:06.0':<10}0:08.0"
    assert view.ruler(0) == ""


def test_zooming_keeps_the_cursor_on_the_page() -> None:
    view = VIEW.go(30)
    for factor in (0.5, 0.5, 0.5, 2, 2, 2, 2, 2, 2):
        view = view.zoom(factor)
        assert view.page_at_s <= view.at_s < view.page_at_s + view.page_s


async def test_a_marked_part_is_added_and_saved(pond: Path, made: Path) -> None:
    async with editing(pond, stream=made / "tones.wav") as (app, person):
        await person.wait()
        assert isinstance(app.screen, CutScreen) and app.screen.query_one(SpectrogramView).features is not None
        assert "all channels as one" in person.reads("#place")
        await person.press("c", "c", "down", "down", "left_square_bracket", "down", "down", "down")
        await person.press("right_square_bracket", "home")
        assert "channel 1 of 2" in person.reads("#place") and "marked 0:02.0 to 0:05.0" in person.reads("#place")
        await person.press("enter")
        await person.wait_for_dialog()
        await person.press(*"owl", "enter")
        assert app.session.content.counts() == [4, 4, 4, 3] and "nothing marked" in person.reads("#place")
        assert "not saved" in person.reads(Title) and "3 samples added to owl" in person.told
        await person.press("s")
        await person.wait()
    found = open_dataset(pond)
    assert found.classes[3] == "owl" and found.labels[-3:].tolist() == [3, 3, 3]
    origins = [found.origins()[index] for index in (12, 13, 14)]
    assert [(origin.offset_s, origin.channel) for origin in origins] == [(2, 1), (3, 1), (4, 1)]
    assert {origin.file for origin in origins} == {str(made / "tones.wav")}
    loud = found.features([12])[0].mean(axis=0).argmax()
    assert loud == pytest.approx(found.features([14])[0].mean(axis=0).argmax()) and found.spec == SPEC


async def test_a_window_is_added_where_nothing_is_marked_and_undone(pond: Path, made: Path) -> None:
    async with editing(pond, stream=made / "tones.wav") as (app, person):
        await person.press("pagedown", "right", "enter")
        await person.wait_for_dialog()
        await person.press("r", "enter")
        (added,) = app.session.content.added
        assert added.origin.offset_s == pytest.approx(10.1) and app.session.content.counts() == [4, 5, 4]
        await person.press("u", "escape")
        assert app.session.content.counts() == [4, 4, 4] and app.screen is app.browse


async def test_too_much_at_once_is_not_cut(pond: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutter, "LONGEST_S", 1.5)
    async with editing(pond, stream=made / "tones.wav") as (app, person):
        await person.press("left_square_bracket", "down", "down", "right_square_bracket", "enter")
        await person.wait()
        assert "are cut at once: mark less" in person.told and not app.session.unsaved


async def test_pages_are_drawn_as_the_cursor_goes(pond: Path, made: Path) -> None:
    async with editing(pond, stream=made / "tones.wav") as (app, person):
        await person.wait()
        view = app.screen.query_one(SpectrogramView)
        first = view.features
        await person.press("end")
        await person.wait()
        last = view.features
        assert first is not None and last is not None and first.shape == last.shape
        assert (last[-50:] == SPEC.floor_db).all() and not np.array_equal(first, last)  # behind the end is silence
        await person.press("p")
        await person.wait()
        assert "▶" not in person.reads(Title)


async def test_a_stream_is_asked_for_and_what_is_none_is_told(pond: Path, made: Path, tmp_path: Path) -> None:
    (tmp_path / "n").write_text("no sound")
    async with editing(pond) as (app, person):
        await person.press("c")
        person.type(str(tmp_path / "n"))
        await person.press("enter")
        await person.wait()
        assert "not sound that can be decoded" in person.told and app.screen is app.browse
        await person.press("c")
        person.type(str(made / "tones.wav"))
        await person.press("enter")
        await person.wait()
        assert isinstance(app.screen, CutScreen)


async def test_an_empty_dataset_gets_its_first_sample(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with DatasetWriter(
        folder, Draft(name="new", spec=SPEC, classes=("frog",), labels=LabelTree.flat(("frog",)))
    ) as writer:
        writer.finish(provenance={})
    async with editing(folder) as (app, person):
        await person.press("p", "tab", "p", "r", "d", "space", "f")
        await person.wait()
        app.stream = AudioSourceFile.open(made / "tones.wav")
        await person.press("c", "enter")
        await person.wait_for_dialog()
        await person.press("enter", "s")
        await person.wait()
        assert app.session.content.counts() == [1] and not app.session.unsaved
    assert len(open_dataset(folder)) == 1
