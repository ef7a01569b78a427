"""Audio folders as a dataset."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tidzam.errors import DatasetError
from trainer.folders import Clip, Sound, classes_of, find_clips, group_of, load, split


def clip(name: str, label: str = "a") -> Clip:
    path = Path(label) / f"{name}.wav"
    return Clip(path, label, group_of(path))


def write(path: Path, seconds: float = 0.1, rate_hz: int = 8000, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full((int(seconds * rate_hz), channels), 0.25), rate_hz)
    return path


def test_classes_are_folders_and_may_hold_folders(tmp_path: Path) -> None:
    write(tmp_path / "birds" / "wren" / "1.wav")
    write(tmp_path / "rain" / "1.flac")
    (tmp_path / "rain" / "notes.txt").write_text("no sound")
    assert [clip.label for clip in find_clips(tmp_path)] == ["birds", "rain"]


def test_a_class_without_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "birds" / "1.wav")
    (tmp_path / "rain").mkdir()
    with pytest.raises(DatasetError, match="'rain' has no sound file"):
        find_clips(tmp_path)


def test_an_empty_or_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no class"):
        find_clips(tmp_path)
    with pytest.raises(DatasetError, match="is not a folder"):
        find_clips(tmp_path / "nowhere")


def test_one_class_is_not_enough() -> None:
    with pytest.raises(DatasetError, match="only one class: 'a'"):
        classes_of([clip("1"), clip("2")])


def test_takes_of_a_recording_are_one_group() -> None:
    assert group_of(Path("1-187207-A.ogg")) == group_of(Path("1-187207-B.ogg")) == "1-187207"
    assert group_of(Path("pond-2026-05-01-06-30-00.wav")) == "pond-2026-05-01-06-30-00"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=80))
def test_split_keeps_recordings_whole_and_is_always_the_same(names: list[tuple[str, int]]) -> None:
    clips = [clip(f"{number}-{take}", label) for label, number in names for take in "AB"]
    train, test = split(clips)
    assert split(clips) == (train, test)
    assert sorted(map(repr, [*train, *test])) == sorted(map(repr, clips))
    assert not {one.group for one in train} & {one.group for one in test}


def test_split_is_about_80_to_20_and_leaves_no_class_out() -> None:
    clips = [clip(str(number), label) for label in "ab" for number in range(500)] + [clip("x", "c"), clip("y", "c")]
    train, test = split(clips)
    assert 0.15 < len(test) / len(clips) < 0.25
    assert {one.label for one in train} == {one.label for one in test} == {"a", "b", "c"}


def test_load_mixes_down_resamples_and_tells_what_is_bad(tmp_path: Path) -> None:
    good = write(tmp_path / "a" / "stereo.wav", rate_hz=16000, channels=2)
    broken = tmp_path / "a" / "broken.wav"
    broken.write_bytes(b"no sound at all")
    empty = tmp_path / "a" / "empty.wav"
    empty.touch()
    loaded = list(load([Clip(path, "a", "g") for path in (good, broken, empty)], rate_hz=8000))
    assert isinstance(loaded[0], Sound) and loaded[0].samples.shape == (800,)
    assert [one[0].name for one in loaded[1:] if not isinstance(one, Sound)] == ["broken.wav", "empty.wav"]
