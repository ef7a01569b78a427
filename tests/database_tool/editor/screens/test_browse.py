"""The first screen, by its keys: browsing, marking, relabelling, classes, undo, saving, quitting."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Static

from database_tool.editor.app import Editor
from database_tool.editor.dialogs import Help, Progress
from database_tool.editor.playback import AudioOutput, SamplePlayer
from database_tool.editor.screens import browse
from database_tool.editor.widgets import ClassTable, SampleTable, SampleView, SpectrogramView, Title
from tests.support.audio_datasets import write_pond
from tests.support.datasets import draft, write
from tests.support.editor import editing
from tidzam.dataset import DatasetWriter, open_dataset

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pond(tmp_path_factory.mktemp("made")).folder


@pytest.fixture
def pond(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "pond"))


def classes(app: Editor) -> list[list[str]]:
    table = app.screen.query_one(ClassTable)
    return [[cell.plain for cell in table.get_row_at(row)] for row in range(table.row_count)]


def shown(app: Editor) -> list[int]:
    table = app.screen.query_one(SampleTable)
    return [int(row.key.value or -1) for row in table.ordered_rows]


async def test_classes_with_counts_and_samples_with_their_origin(pond: Path) -> None:
    async with editing(pond) as (app, person):
        assert classes(app) == [["", "all", "12"], ["0", "frog", "4"], ["1", "rain", "4"], ["2", "wren < birds", "4"]]
        assert shown(app) == list(range(12)) and "12 samples" in person.reads(Title)
        await person.press("down", "end")
        assert shown(app) == [8, 9, 10, 11]
        await person.press("enter", "down")
        row = [cell.plain for cell in app.screen.query_one(SampleTable).get_row_at(1)]
        assert row == [" ", "9", "wren", "wren-2026-05-01-06-30-02.wav", "0:01.0", "all", "2026-05-01 06:30:03"]
        view = app.screen.query_one(SampleView)
        origin = str(view.query_one(Static).content)
        assert "9 wren" in origin and "at 0:01.0" in origin and "recording wren-2026-05-01-06-30-02" in origin
        features = view.query_one(SpectrogramView).features
        assert features is not None
        np.testing.assert_array_equal(features, app.session.dataset.features([9])[0])
        lines = [view.query_one(SpectrogramView).render_line(line).text for line in range(3)]
        assert all(set(line) == {"▀"} for line in lines)


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (160, 50)])
async def test_any_terminal_will_do(pond: Path, size: tuple[int, int]) -> None:
    async with editing(pond, size=size) as (app, person):
        await person.press("tab", "down", "question_mark")
        assert isinstance(app.screen, Help)
        await person.press("escape", "r", "escape")
        assert "▀" in app.export_screenshot() or size[1] < 20


async def test_a_large_dataset_is_shown_a_page_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "PAGE", 10)
    write(tmp_path / "pond", [0, 1, 2] * 9)
    async with editing(tmp_path / "pond") as (app, person):
        assert shown(app) == list(range(10)) and "page 1 of 3" in person.reads("#page")
        await person.press("tab", "right_square_bracket", "right_square_bracket", "right_square_bracket")
        assert shown(app) == list(range(20, 27)) and "page 3 of 3" in person.reads("#page")
        await person.press("left_square_bracket")
        assert shown(app) == list(range(10, 20))
        await person.press("a", "d")
        assert app.session.content.counts() == [6, 5, 6] and shown(app) == list(range(20, 27))


async def test_samples_are_found_by_file_recording_or_time(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("slash", *":03", "enter")
        assert shown(app) == [3, 6, 9] and ":03" in person.reads("#page")
        await person.press("escape")
        assert len(shown(app)) == 12
        await person.press("slash", *"Ra", "enter")
        assert shown(app) == [4, 5, 6, 7]


async def test_a_sample_is_relabelled_and_that_is_undone_and_done_again(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "r", "w", "enter")
        assert app.session.content.counts() == [3, 4, 5] and "1 edit not saved" in person.reads(Title)
        assert "1 sample moved to wren" in person.told
        await person.press("u")
        assert app.session.content.counts() == [4, 4, 4] and "saved" in person.reads(Title)
        await person.press("y", "u", "u")
        assert "nothing to undo" in person.told


async def test_marked_samples_are_moved_together_to_a_class_that_is_new(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "space", "space", "down", "space", "m", *"owl", "enter")
        assert app.session.content.members("owl").tolist() == [0, 1, 3]
        assert ["3", "owl", "3"] in classes(app) and "marked" not in person.reads("#page")


async def test_samples_are_deleted(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "down", "d", "d")
        assert shown(app) == [0, 3, *range(4, 12)]


async def test_classes_are_made_renamed_moved_merged_and_deleted(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("n", *"owl", "enter")
        await person.press("o", "b", "enter")
        assert classes(app)[-1] == ["3", "owl < birds", "0"]
        await person.press("r", *"hawk", "enter")
        assert classes(app)[-1][1] == "hawk < birds"
        await person.press("d")  # it is empty: no question
        assert len(classes(app)) == 4
        await person.press("down", "down", "m", "w", "enter")
        assert classes(app) == [["", "all", "12"], ["0", "frog", "4"], ["1", "wren < birds", "8"]]
        await person.press("d", "escape")
        assert app.session.content.counts() == [4, 8]
        await person.press("d", "d")
        assert classes(app) == [["", "all", "4"], ["0", "frog", "4"]]
        await person.press("down", "d", "d")
        assert "last class" in person.told
        await person.press(*"uuuuuu")
        assert app.session.content.counts() == [4, 4, 4] and not app.session.unsaved


async def test_what_cannot_be_done_is_told_and_changes_nothing(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("d")
        assert "Choose a class first" in person.told
        await person.press("down", "r", *"rain", "enter")
        assert "a class 'rain' already" in person.told and not app.session.unsaved


async def test_playing_follows_with_the_cursor_and_stops_at_escape(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("down", "down", "p")
        while app.screen.query_one(SampleTable).cursor_row < 1:
            await person.moment()
        assert "▶ 5" in person.reads(Title) and app.browse.playing
        await person.press("escape")
        await person.wait()
        assert not app.browse.playing and "▶" not in person.reads(Title)


async def test_a_sound_file_that_is_gone_is_told(pond: Path, tmp_path: Path) -> None:
    write(tmp_path / "lost", [0, 1])
    async with editing(tmp_path / "lost") as (_, person):
        await person.press("tab", "p")
        await person.wait()
        assert "/sounds/0.flac is not there any more" in person.told


async def test_a_shard_that_breaks_off_meanwhile_is_told(pond: Path) -> None:
    async with editing(pond) as (app, person):
        os.truncate(pond / "shards" / "00000.features.npy", 1000)
        await person.press("tab", "down", "down", "down")
        assert "00000.features.npy" in person.told and app.is_running


async def test_a_full_disk_ends_neither_playing_nor_searching_nor_the_editor(
    pond: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with editing(pond) as (app, person):
        app.browse.player = SamplePlayer(AudioOutput.sound)
        monkeypatch.setattr(tempfile, "tempdir", str(pond / "nowhere"))  # as full as can be
        await person.press("tab", "d", "p")
        await person.wait()
        assert "No such file" in person.told
        await person.press("f")
        await person.wait()
        assert "Comparing 11 samples of all classes: No such file or directory. Make room." in person.told
        assert app.screen is app.browse and app.session.unsaved


async def test_long_work_can_be_given_up(pond: Path) -> None:
    def work_on(advance: Progress) -> None:
        while True:
            advance(0, 1)

    async with editing(pond) as (app, person):
        waiting = app.browse.run_worker(app.browse.wait_for("Working", work_on))
        await person.wait_for_dialog()
        await person.press("escape")
        await person.wait()
        assert waiting.result is None and app.screen is app.browse


async def test_saving_writes_it_anew(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("s")
        assert "nothing to be saved" in person.told
        await person.press("tab", "d", "s")
        await person.wait()
        assert len(open_dataset(pond)) == 11 and "saved" in person.reads(Title) and shown(app) == list(range(11))


async def test_saving_elsewhere(pond: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with editing(pond) as (_, person):
        await person.press("tab", "d", "S", *"dew", "enter")
        await person.wait()
        assert len(open_dataset(tmp_path / "dew")) == 11 and len(open_dataset(pond)) == 12


async def test_what_cannot_be_saved_is_told_and_kept(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "d")
        with DatasetWriter(pond, draft()):
            await person.press("s")
            await person.wait()
            assert "Somebody else" in person.told
            assert app.session.unsaved and len(open_dataset(pond)) == 12


async def test_quitting_asks_about_what_is_not_saved(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "d", "q", "escape")
        assert app.is_running and app.session.unsaved
        await person.press("q", "s")
        await person.wait()
    assert len(open_dataset(pond)) == 11


async def test_quitting_may_discard(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("tab", "d", "q", "d")
        assert not app.is_running or app._exit
    assert len(open_dataset(pond)) == 12


async def test_a_sample_of_a_damaged_shard_is_told_and_the_others_are_still_shown(tmp_path: Path) -> None:
    folder = write(tmp_path / "pond", [0, 1, 2]).folder
    np.lib.format.open_memmap(folder / "shards" / "00000.features.npy", mode="r+")[1, 0, 0] = np.nan
    async with editing(folder) as (app, person):
        view = app.screen.query_one(SampleView)
        await person.press("tab", "down")
        assert "00000.features.npy cannot be used" in person.told and app.is_running
        await person.press("down")
        assert "2 wren" in str(view.query_one(Static).content) and view.query_one(SpectrogramView).features is not None


async def test_a_new_class_has_the_one_spelling(pond: Path) -> None:
    async with editing(pond) as (app, person):
        await person.press("n")
        await person.wait_for_dialog()
        person.type("birds < me\u0301sange\u00a0")
        await person.press("enter")
        assert app.session.content.tree.parents["m\u00e9sange"] == "birds"
