"""The folder of clips: ages by a clock that is set, and files of others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from analyzer.clips.clip_file import ClipTags
from analyzer.clips.store import ClipStore, CutClip
from tests.support.gap_clock import NOON, SetClock
from tidzam.config.clips import ClipBudget
from tidzam.config.sinks import ClipSinkSettings
from tidzam.errors import TidzamError
from tidzam.file_ages import DAY_S

WEEK = ClipBudget(days=7)


class Writer:
    """Writes clips of the class owl on a clock that begins at the present time."""

    def __init__(self, folder: Path, budget: ClipBudget) -> None:
        self.clock = SetClock(datetime.now(UTC))
        self._folder = folder
        self._store = ClipStore(ClipSinkSettings(folder=folder, format="wav", budget=budget), clock=self.clock)

    def write(self, number: int) -> list[str]:
        """Write a clip; returns the names of all."""
        path = f"owl/pond-out_0_2026-05-01-06-30-{number:02}.000.wav"
        tags = ClipTags(label="owl", node="garden", start=NOON, comment={})
        self._store.write([CutClip(path, "owl", np.zeros(100, np.float32), 8000, tags)])
        return sorted(file.name[28:30] for file in (self._folder / "owl").iterdir())


def writing(folder: Path) -> Writer:
    """A folder with the clips 1 and 2, a day old."""
    writer = Writer(folder, WEEK)
    writer.write(1)
    writer.clock.pass_s(3600)
    writer.write(2)
    writer.clock.pass_s(DAY_S)
    return writer


def test_a_clip_that_is_too_old_is_deleted(tmp_path: Path) -> None:
    writer = writing(tmp_path)
    writer.write(3)
    writer.clock.pass_s(8 * DAY_S)
    assert writer.write(4) == ["03", "04"]


def test_a_clock_that_jumps_ahead_deletes_no_clip(tmp_path: Path) -> None:
    writer = writing(tmp_path)
    writer.clock.set_by(900 * DAY_S)
    writer.clock.pass_s(3600)
    assert writer.write(3) == ["01", "02", "03"]


def test_after_there_was_no_room_clips_that_may_be_deleted_are_looked_for_once_a_minute(tmp_path: Path) -> None:
    writer = Writer(tmp_path, ClipBudget(gigabytes=4e-7))
    writer.write(1)
    mark = next((tmp_path / "owl").iterdir()).with_suffix(".wav.keep")
    mark.touch()
    for seconds in (0, 59):
        writer.clock.pass_s(seconds)
        with pytest.raises(TidzamError, match="no more of them may be deleted"):
            writer.write(2)
        mark.unlink(missing_ok=True)
    writer.clock.pass_s(2)
    assert writer.write(2) == ["02"]


def test_a_file_that_is_deleted_while_its_folder_is_listed_costs_no_other(tmp_path: Path) -> None:
    writer = Writer(tmp_path, WEEK)
    writer.write(1)
    (tmp_path / "owl" / "gone.wav").symlink_to(tmp_path / "nowhere")
    assert ClipStore(ClipSinkSettings(folder=tmp_path)).counts == {"owl": 1}


def test_the_store_of_a_folder_is_opened_once_and_sees_what_others_write(tmp_path: Path) -> None:
    settings = ClipSinkSettings(folder=tmp_path, format="wav")
    store = ClipStore.shared(settings)
    for number in range(3):
        path = tmp_path / "owl" / f"pond-out_0_2026-05-01-06-30-{number:02}.000.wav"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        assert ClipStore.shared(settings.model_copy()).counts == {"owl": number + 1}
    assert ClipStore.shared(settings) is store


def test_other_settings_have_a_store_of_their_own(tmp_path: Path) -> None:
    settings = ClipSinkSettings(folder=tmp_path)
    assert ClipStore.shared(settings) is not ClipStore.shared(settings.model_copy(update={"format": "wav"}))


def test_what_a_killed_analyzer_left_is_deleted_when_the_store_is_opened(tmp_path: Path) -> None:
    leftover = tmp_path / "owl" / ".tidzam-0123456789abcdef"
    leftover.parent.mkdir()
    leftover.touch()
    ClipStore(ClipSinkSettings(folder=tmp_path))
    assert not leftover.exists()
