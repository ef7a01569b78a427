"""Clips into a dataset, and what is reported of faulty files."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from database_tool import compile as compiling
from database_tool.compile import CompileRequest, compile_clips
from database_tool.cutting import Cutting
from tests.database_tool.test_cutting import SPEC
from tidzam.clips import Clip, find_clips
from tidzam.dataset import Dataset, DatasetWriter, open_dataset
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree

HOW = Cutting(spec=SPEC, hop_s=0.5)


def write(path: Path, seconds: float = 1.0, rate_hz: int = 8000, channels: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(path.name.encode())
    soundfile.write(
        path, 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * rate_hz), channels)), rate_hz
    )
    return path


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    for label, count in (("frog", 4), ("rain", 3), ("wren", 1)):
        for number in range(count):
            write(tmp_path / "sounds" / label / f"{label}{number}.wav")
    return tmp_path / "sounds"


def request(sounds: Path, name: str = "pond", **changes: object) -> CompileRequest:
    made = CompileRequest(clips=find_clips(sounds), folder=sounds.parent / name, cutting=HOW, source="sounds")
    return replace(made, **changes)  # type: ignore[arg-type]


def compile_quietly(wanted: CompileRequest) -> Dataset:
    return compile_clips(wanted, say=lambda line: None).dataset


def test_classes_are_counted(sounds: Path) -> None:
    assert compile_quietly(request(sounds)).manifest.counts == {"frog": 8, "rain": 6, "wren": 2}


def test_nothing_is_reported_if_all_is_well(sounds: Path) -> None:
    messages: list[str] = []
    assert compile_clips(request(sounds), say=messages.append).skipped == ()
    assert messages == []


def test_progress_counts_clips(sounds: Path) -> None:
    seen: list[tuple[int, int]] = []
    compile_clips(request(sounds), say=print, advance=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (8, 8)


def test_the_dataset_does_not_depend_on_the_number_of_processes(sounds: Path) -> None:
    one = compile_quietly(request(sounds))
    assert compile_quietly(request(sounds, "a/pond", processes=2)).checksum == one.checksum


def test_samples_know_their_file_offset_and_recording(sounds: Path) -> None:
    second = compile_quietly(request(sounds)).origins()[1]
    assert (second.file, second.offset_s, second.group) == (str(sounds / "frog" / "frog0.wav"), 0.5, "frog0")


@pytest.fixture
def faulty(sounds: Path) -> Path:
    """Audio folders with files of other rates, names that are not UTF-8, and two files that cannot be read."""
    for number in range(2):
        write(sounds / "rain" / f"high{number}.wav", rate_hz=44100, channels=2)
    write(sounds / "wren" / "low.flac", rate_hz=4000)
    (sounds / "rain" / "rain0.wav").rename(sounds / "rain" / "p\udce9.wav")
    (sounds / "wren" / "empty.wav").touch()
    (sounds / "wren" / "brok\udce9n.wav").write_text("not audio")
    return sounds


def test_files_that_cannot_be_read_are_left_out(faulty: Path) -> None:
    made = compile_clips(request(faulty), say=print)
    assert [Path(path).name for path, _ in made.skipped] == [r"brok\xe9n.wav", "empty.wav"]
    assert made.dataset.manifest.counts == {"frog": 8, "rain": 10, "wren": 4}


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("44100 Hz is resampled to 8000 Hz (first file: high0.wav)", 1),
        ("high1", 0),
        ("4000 Hz is resampled to 8000 Hz", 1),
        ("nothing above 2000 Hz", 1),
        ("left out: ", 2),
    ],
)
def test_each_fault_is_reported_once(faulty: Path, text: str, times: int) -> None:
    messages: list[str] = []
    compile_clips(request(faulty), say=messages.append)
    assert len(messages) == 4
    assert "\n".join(messages).count(text) == times


def test_files_left_out_are_recorded_in_the_provenance(faulty: Path) -> None:
    (step,) = compile_quietly(request(faulty)).manifest.provenance["steps"]
    assert step["skipped"] == 2
    assert len(step["files_left_out"]) == 2


def test_strict_stops_and_leaves_the_old_dataset(sounds: Path) -> None:
    compile_quietly(request(sounds))
    (sounds / "wren" / "empty.wav").touch()
    with pytest.raises(DatasetError) as caught:
        compile_clips(request(sounds, strict=True), say=print)
    assert caught.value.code == "dataset_strict"
    assert len(open_dataset(sounds.parent / "pond")) == 16


def test_no_readable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    clips = [Clip(tmp_path / "empty.wav", "a", "g")]
    with pytest.raises(DatasetError, match="None of the files"):
        compile_clips(CompileRequest(clips=clips, folder=tmp_path / "pond", cutting=HOW), say=print)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_a_clip_that_is_listed_twice_is_used_once(sounds: Path) -> None:
    messages: list[str] = []
    clips = find_clips(sounds)
    made = compile_clips(request(sounds, clips=[*clips, clips[0]]), say=messages.append)
    assert made.dataset.manifest.counts == {"frog": 8, "rain": 6, "wren": 2}
    assert messages == ["1 clip is listed more than once and used once"]


def test_a_file_name_in_several_folders_is_reported(sounds: Path) -> None:
    write(sounds / "rain" / "more" / "rain0.wav")
    messages: list[str] = []
    compile_clips(request(sounds), say=messages.append)
    assert "1 file name occurs in several folders (first: rain0.wav)" in messages[0]


def test_labels_have_their_parents_in_the_tree(sounds: Path) -> None:
    tree = LabelTree({"animals": None, "frog": "animals", "wren": "animals", "rain": None})
    made = compile_quietly(request(sounds, tree=tree))
    assert made.manifest.labels.path("frog") == ("animals", "frog")


def test_a_label_outside_the_tree_is_refused(sounds: Path) -> None:
    with pytest.raises(DatasetError, match=r"Labels missing in the label tree: rain") as caught:
        compile_clips(request(sounds, tree=LabelTree.flat(("frog", "wren"))), say=print)
    assert "It has frog, wren" in caught.value.hint


def test_clips_are_added_after_the_samples_of_the_base(sounds: Path) -> None:
    base = compile_quietly(request(sounds))
    write(sounds.parent / "more" / "owl" / "owl.wav")
    write(sounds.parent / "more" / "frog" / "new.wav", 0.5)
    made = compile_quietly(request(sounds, clips=find_clips(sounds.parent / "more"), base=base))
    assert made.manifest.counts == {"frog": 9, "rain": 6, "wren": 2, "owl": 2}
    assert made.labels[:16].tolist() == base.labels.tolist()


def test_clips_with_other_features_cannot_be_added(sounds: Path) -> None:
    base = compile_quietly(request(sounds))
    other = replace(HOW, spec=replace(SPEC, n_mels=8))
    with pytest.raises(DatasetError, match="pond has n_mels 16; the new samples has n_mels 8"):
        compile_clips(request(sounds, base=base, cutting=other), say=print)


@pytest.fixture
def stopped(sounds: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Audio folders whose compilation was interrupted after 9 samples in shards of 3."""
    (sounds / "frog" / "a.wav").touch()
    write(sounds / "frog" / "frog0.wav", rate_hz=44100)
    writer, small = DatasetWriter, 3 * 4 * 30 * 16
    monkeypatch.setattr(compiling, "DatasetWriter", lambda *given, **more: writer(*given, **more, shard_bytes=small))

    def stop(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_clips(request(sounds), say=print, advance=stop)
    assert not (sounds.parent / "pond").exists()
    return sounds


def test_a_resumed_run_reports_only_what_is_new(stopped: Path) -> None:
    messages: list[str] = []
    made = compile_clips(request(stopped, resume=True), say=messages.append)
    assert messages == ["resuming after 9 samples"]
    assert len(made.skipped) == 1


def test_a_resumed_run_makes_the_same_dataset(stopped: Path) -> None:
    whole = compile_quietly(request(stopped, "b/pond"))
    made = compile_quietly(request(stopped, resume=True))
    np.testing.assert_array_equal(made.features(range(16)), whole.features(range(16)))
    assert list(made.origins()) == list(whole.origins())


def test_a_run_is_not_resumed_after_a_file_changed(stopped: Path) -> None:
    os.utime(stopped / "wren" / "wren0.wav", ns=(0, 0))
    with pytest.raises(DatasetError) as caught:
        compile_clips(request(stopped, resume=True), say=print)
    assert caught.value.code == "dataset_resume"


def test_the_name_of_an_extracted_clip_has_its_source_channel_and_time(tmp_path: Path) -> None:
    write(tmp_path / "owl" / "pond-out_3-2026-05-01-06-30-01.250.wav", 1.0)
    made = compile_quietly(CompileRequest(clips=find_clips(tmp_path), folder=tmp_path / "pond", cutting=HOW))
    one, two = made.origins()
    assert (one.channel, one.time, one.group) == (3, datetime(2026, 5, 1, 6, 30, 1, 250000, UTC), "pond-2026-05-01-06")
    assert two.time == datetime(2026, 5, 1, 6, 30, 1, 750000, UTC)


def test_the_name_of_a_recording_has_its_time(tmp_path: Path) -> None:
    write(tmp_path / "rain" / "pond-2026-05-01-07-00-00.wav", 1.0, channels=2)
    made = compile_quietly(CompileRequest(clips=find_clips(tmp_path), folder=tmp_path / "pond", cutting=HOW))
    first = made.origins()[0]
    assert (first.channel, first.time) == (None, datetime(2026, 5, 1, 7, tzinfo=UTC))
