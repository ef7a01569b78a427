"""Clips that are cut out of recordings into a folder per class."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from database_tool.__main__ import app
from database_tool.clip_folders import cut_clips
from tidzam.clips import Clip, find_clips
from tidzam.errors import DatasetError

RATE_HZ = 8000
NAME = "pond-2026-05-01-06-00-00"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Ten seconds of two channels: the first is silent, the other one counts seconds."""
    seconds = np.repeat(np.arange(10) / 16, RATE_HZ)
    path = tmp_path / f"{NAME}.wav"
    soundfile.write(path, np.stack([np.zeros_like(seconds), seconds], axis=1), RATE_HZ)
    return path


def clip(path: Path, label: str, start_s: float, duration_s: float | None = 1.0, channel: int | None = 1) -> Clip:
    return Clip(path, label, "", start_s, duration_s, channel)


def ignore(message: str) -> None:
    pass


def test_clips_hold_their_channel_and_section(recording: Path, tmp_path: Path) -> None:
    found = cut_clips([clip(recording, "frog", 4.0), clip(recording, "rain", 6.0)], tmp_path / "calls", say=ignore)
    assert found.classes == {"frog": 1, "rain": 1}
    (frog,) = (tmp_path / "calls" / "frog").iterdir()
    samples, rate_hz = soundfile.read(frog)
    assert (len(samples), rate_hz, frog.name) == (RATE_HZ, RATE_HZ, "pond-out_1_2026-05-01-06-00-04.000.flac")
    assert samples == pytest.approx(np.full(RATE_HZ, 4 / 16), abs=1e-3)


def test_short_clips_are_extended_as_far_as_the_file_reaches(recording: Path, tmp_path: Path) -> None:
    clips = [clip(recording, "frog", at_s, 0.5) for at_s in (5.0, 0.0, 9.5)]
    cut_clips(clips, tmp_path / "calls", least_s=2.0, say=ignore)
    lengths = [soundfile.info(path).duration for path in sorted((tmp_path / "calls" / "frog").iterdir())]
    assert lengths == pytest.approx([2.0, 2.0, 1.25])


def test_clips_of_a_recording_are_of_one_group(recording: Path, tmp_path: Path) -> None:
    cut_clips([clip(recording, "frog", at_s) for at_s in (1.0, 5.0)], tmp_path / "calls", say=ignore)
    assert len({one.group for one in find_clips(tmp_path / "calls")}) == 1


@pytest.mark.parametrize("name", ["rec.wav", f"{NAME}.wav"])
def test_clips_of_files_of_one_name_and_of_channels_are_all_kept(recording: Path, tmp_path: Path, name: str) -> None:
    files = [tmp_path / folder / name for folder in ("day1", "day2")]
    for path in files:
        path.parent.mkdir()
        shutil.copy(recording, path)
    clips = [clip(path, "frog", 1.0, channel=channel) for path in files for channel in (0, 1)]
    found = cut_clips(clips, tmp_path / "calls", say=ignore)
    assert found.classes == {"frog": 4} == {"frog": len(list((tmp_path / "calls" / "frog").iterdir()))}


def test_clips_with_the_date_and_start_of_another_keep_their_group(recording: Path, tmp_path: Path) -> None:
    cut_clips([clip(recording, "frog", 1.0)] * 2, tmp_path / "calls", say=ignore)
    assert [one.group for one in find_clips(tmp_path / "calls")] == ["pond-2026-05-01-06"] * 2


def test_files_that_cannot_be_read_are_left_out(recording: Path, tmp_path: Path) -> None:
    said: list[str] = []
    clips = [
        clip(recording, "frog", 1.0),
        clip(tmp_path / "gone.wav", "frog", 0.0),
        clip(recording, "frog", 1.0, 1.0, 7),
    ]
    found = cut_clips(clips, tmp_path / "calls", say=said.append)
    assert (found.classes, found.unreadable, len(said)) == ({"frog": 1}, 2, 2)


def test_nothing_is_left_of_what_failed(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No clip could be read"):
        cut_clips([clip(tmp_path / "gone.wav", "frog", 0.0)], tmp_path / "calls", say=ignore)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced(recording: Path, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    with pytest.raises(DatasetError) as caught:
        cut_clips([clip(recording, "frog", 1.0)], tmp_path / "calls", say=ignore)
    assert caught.value.code == "dataset_place"


@pytest.mark.parametrize("option", ["--json", "--progress-json"])
def test_the_command_says_what_it_has_cut(recording: Path, tmp_path: Path, option: str) -> None:
    table = tmp_path / "clips.csv"
    table.write_text(f"file,start,end,label,channel\n{recording.name},1,2,frog,1\n{recording.name},3,4,rain,1\n")
    done = CliRunner().invoke(app, ["cut", str(table), str(tmp_path / "calls"), option], catch_exceptions=False)
    last = json.loads(done.stdout.strip().splitlines()[-1] if option == "--progress-json" else done.stdout)
    assert (last.get("result") or last)["classes"] == {"frog": 1, "rain": 1}


def test_a_job_reports_why_its_list_cannot_be_read(tmp_path: Path) -> None:
    table = tmp_path / "clips.csv"
    table.write_text("name,tag\na,b\n")
    done = CliRunner().invoke(app, ["cut", str(table), str(tmp_path / "calls"), "--progress-json"])
    assert "is not a list of clips" in json.loads(done.stdout.strip().splitlines()[-1])["message"]
