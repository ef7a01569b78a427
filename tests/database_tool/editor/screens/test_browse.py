"""The first screen: what it shows, pages, search, playback, faults."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Static

from database_tool.editor.dialogs import HelpDialog
from database_tool.editor.playback import AudioOutput, SamplePlayer
from database_tool.editor.screens import browse
from database_tool.editor.widgets import SampleTable, SampleView, SpectrogramView, Title
from tests.support.datasets import write
from tests.support.editor import Person, editing
from tidzam.progress import Progress

pytestmark = pytest.mark.timeout(30)


async def test_classes_are_listed_with_parents_and_counts(pond: Path) -> None:
    async with editing(pond) as (_, person):
        assert person.classes == [
            ["", "all", "12"],
            ["0", "frog", "4"],
            ["1", "rain", "4"],
            ["2", "wren < birds", "4"],
        ]


async def test_all_samples_are_listed_at_first(pond: Path) -> None:
    async with editing(pond) as (_, person):
        assert person.samples == list(range(12))
        assert "12 samples" in person.text(Title)


async def test_the_samples_of_the_class_under_the_cursor_are_listed(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("down", "end")
        assert person.samples == [8, 9, 10, 11]


async def test_a_sample_is_listed_with_its_origin(pond: Path) -> None:
    async with editing(pond) as (app, _):
        row = [cell.plain for cell in app.screen.query_one(SampleTable).get_row_at(9)]
        assert row == [" ", "9", "wren", "wren-2026-05-01-06-30-02.wav", "0:01.0", "all", "2026-05-01 06:30:03"]


async def test_the_sample_under_the_cursor_is_described(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "down")
        text = str(app.screen.query_one(SampleView).query_one(Static).content)
        assert text.startswith("1 frog\nfrog-2026-05-01-06-30-00.wav at 0:01.0 · all channels · ")
        assert "recording frog-2026-05-01-06-30-00" in text


async def test_the_sample_under_the_cursor_is_drawn(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "down")
        view = app.screen.query_one(SpectrogramView)
        assert view.features is not None
        np.testing.assert_array_equal(view.features, app.session.dataset.features([1])[0])
        assert {sign for line in range(3) for sign in view.render_line(line).text} == {"▀"}


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (160, 50)])
async def test_terminals_of_any_size(pond: Path, size: tuple[int, int]) -> None:
    async with editing(pond, size=size) as (app, person):
        await person.press("tab", "down", "question_mark")
        assert isinstance(app.screen, HelpDialog)
        await person.press("escape", "r", "escape")
        assert isinstance(app.screen, browse.BrowseScreen)


@pytest.fixture
def three_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset of 27 samples, in pages of 10."""
    monkeypatch.setattr(browse, "PAGE", 10)
    return write(tmp_path / "pages", [0, 1, 2] * 9).folder


async def test_one_page_is_listed(three_pages: Path) -> None:
    async with editing(three_pages) as (_, person):
        assert person.samples == list(range(10))
        assert "page 1 of 3" in person.text("#page")


async def test_the_last_page_is_not_turned(three_pages: Path) -> None:
    async with editing(three_pages) as (_, person):
        await person.press("tab", *["right_square_bracket"] * 3)
        assert person.samples == list(range(20, 27))
        assert "page 3 of 3" in person.text("#page")


async def test_pages_are_turned_back(three_pages: Path) -> None:
    async with editing(three_pages) as (_, person):
        await person.press("tab", *["right_square_bracket"] * 2, "left_square_bracket")
        assert person.samples == list(range(10, 20))


async def test_a_page_is_marked(three_pages: Path) -> None:
    async with editing(three_pages) as (app, person):
        await person.press("tab", "right_square_bracket", "a", "d")
        assert app.session.content.counts() == [6, 5, 6]
        assert person.samples == list(range(20, 27))


@pytest.mark.parametrize(("text", "found"), [(":03", [3, 6, 9]), ("Ra", [4, 5, 6, 7])])
async def test_samples_are_found_by_file_recording_or_time(pond: Path, text: str, found: list[int]) -> None:
    async with editing(pond) as (_, person):
        await person.press("slash", *text, "enter")
        assert person.samples == found
        assert f"matching “{text}”" in person.text("#page")


async def test_escape_ends_the_search(pond: Path) -> None:
    async with editing(pond) as (_, person):
        await person.press("slash", *":03", "enter", "escape")
        assert len(person.samples) == 12


async def _play_second_sample_of_rain(person: Person) -> None:
    await person.press("down", "down", "p")
    while person.app.screen.query_one(SampleTable).cursor_row < 1:
        await person.tick()


async def test_the_cursor_follows_playback(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await _play_second_sample_of_rain(person)
        assert "▶ 5" in person.text(Title)
        assert app.browse.playing


async def test_escape_stops_playback(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await _play_second_sample_of_rain(person)
        await person.press("escape")
        await person.wait()
        assert not app.browse.playing
        assert "▶" not in person.text(Title)


async def test_a_missing_audio_file_is_reported(tmp_path: Path) -> None:
    async with editing(write(tmp_path / "lost", [0, 1]).folder) as (_, person):
        await person.press("tab", "p")
        await person.wait()
        assert "/sounds/0.flac does not exist any more" in person.messages


async def test_a_shard_that_was_cut_short_is_reported(pond: Path) -> None:
    async with editing(pond) as (app, person):
        os.truncate(pond / "shards" / "00000.features.npy", 1000)
        await person.press("tab", "down", "down", "down")
        assert "00000.features.npy" in person.messages
        assert app.is_running


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A dataset whose sample 1 is not finite."""
    folder = write(tmp_path / "damaged", [0, 1, 2]).folder
    np.lib.format.open_memmap(folder / "shards" / "00000.features.npy", mode="r+")[1, 0, 0] = np.nan
    return folder


async def test_a_damaged_sample_is_reported(damaged: Path) -> None:
    async with editing(damaged) as (app, person):
        await person.press("tab", "down")
        assert "00000.features.npy cannot be used" in person.messages
        assert app.is_running


async def test_samples_after_a_damaged_one_are_shown(damaged: Path) -> None:
    async with editing(damaged) as (app, person):
        await person.press("tab", "down", "down")
        view = app.screen.query_one(SampleView)
        assert "2 wren" in str(view.query_one(Static).content)
        assert view.query_one(SpectrogramView).features is not None


@pytest.fixture
def no_temporary_folder(pond: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files cannot be written, as on a full disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(pond / "nowhere"))


@pytest.mark.usefixtures("no_temporary_folder")
async def test_a_full_disk_does_not_end_the_editor_while_playing(pond: Path) -> None:
    async with editing(pond) as (app, person):
        app.browse.player = SamplePlayer(AudioOutput.sound)
        await person.press("tab", "p")
        await person.wait()
        assert "No such file" in person.messages
        assert app.is_running


@pytest.mark.usefixtures("no_temporary_folder")
async def test_a_full_disk_does_not_lose_edits_while_searching(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "d", "f")
        await person.wait()
        assert "Comparing 11 samples of all classes: No such file or directory. Make room" in person.messages
        assert app.session.unsaved


async def test_long_work_can_be_cancelled(pond: Path) -> None:
    def work_on(advance: Progress) -> None:
        while True:
            advance(0, 1)

    async with editing(pond) as (app, person):
        waiting = app.browse.run_worker(app.browse.wait_for("Working", work_on))
        await person.wait_for_dialog()
        await person.press("escape")
        await person.wait()
        assert waiting.result is None
        assert app.screen is app.browse
