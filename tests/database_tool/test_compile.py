"""Folders of clips into a dataset, with all that can be odd about them."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile

from database_tool import compile as compiling
from database_tool.compile import Request, compile_clips
from database_tool.cutting import Cutting
from tests.database_tool.test_cutting import SPEC
from tidzam.clips import Clip, find_clips
from tidzam.dataset import open_dataset
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


def request(sounds: Path, name: str = "pond", **changes: object) -> Request:
    made = Request(clips=find_clips(sounds), folder=sounds.parent / name, cutting=HOW, source="sounds")
    return replace(made, **changes)  # type: ignore[arg-type]


def test_all_is_compiled_in_order_on_one_core_or_more(sounds: Path) -> None:
    said: list[str] = []
    seen: list[tuple[int, int]] = []
    one = compile_clips(request(sounds), say=said.append, advance=lambda done, total: seen.append((done, total)))
    two = compile_clips(request(sounds, "a/pond", processes=2), say=said.append)
    assert not said and not one.skipped and seen[-1] == (8, 8)
    assert one.dataset.checksum == two.dataset.checksum  # the same, whoever was done first
    dataset = open_dataset(sounds.parent / "pond")
    assert dataset.manifest.counts == {"frog": 8, "rain": 6, "wren": 2}
    origins = dataset.origins()
    assert origins[1].file == str(sounds / "frog" / "frog0.wav") and origins[1].offset_s == 0.5
    assert dataset.groups[:2] == ["frog0"] * 2


def test_odd_files_are_told_once_counted_and_left_out(sounds: Path) -> None:
    for number in range(2):
        write(sounds / "rain" / f"high{number}.wav", rate_hz=44100, channels=2)
    write(sounds / "wren" / "low.flac", rate_hz=4000)
    (sounds / "rain" / "rain0.wav").rename(sounds / "rain" / "p\udce9.wav")
    (sounds / "wren" / "empty.wav").touch()
    (sounds / "wren" / "brok\udce9n.wav").write_text("no sound")  # a name that is no UTF-8
    said: list[str] = []
    made = compile_clips(request(sounds), say=said.append)
    assert [Path(path).name for path, _ in made.skipped] == ["brok�n.wav", "empty.wav"]
    assert made.dataset.manifest.counts == {"frog": 8, "rain": 10, "wren": 4}
    told = "\n".join(said)
    assert told.count("44100 Hz is brought to 8000 Hz (high0.wav is the first)") == 1 and "high1" not in told
    assert "4000 Hz is brought to 8000 Hz" in told and "nothing above 2000 Hz" in told
    assert told.count("left out: ") == 2 and len(said) == 4
    (step,) = made.dataset.manifest.provenance["steps"]
    assert step["skipped"] == 2 and len(step["files_left_out"]) == 2


def test_strict_stops_and_leaves_what_was_there(sounds: Path) -> None:
    compile_clips(request(sounds), say=print)
    (sounds / "wren" / "empty.wav").touch()
    with pytest.raises(DatasetError, match="holds no sound") as caught:
        compile_clips(request(sounds, strict=True), say=print)
    assert caught.value.code == "dataset_strict" and len(open_dataset(sounds.parent / "pond")) == 16


def test_nothing_to_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    clips = [Clip(tmp_path / "empty.wav", "a", "g")]
    with pytest.raises(DatasetError, match="None of the files"):
        compile_clips(Request(clips=clips, folder=tmp_path / "pond", cutting=HOW), say=print)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_what_is_listed_twice_is_taken_once_and_names_that_recur_are_told(sounds: Path) -> None:
    write(sounds / "rain" / "more" / "rain0.wav")
    clips = find_clips(sounds)
    said: list[str] = []
    made = compile_clips(replace(request(sounds), clips=[*clips, clips[0]]), say=said.append)
    assert made.dataset.manifest.counts == {"frog": 8, "rain": 8, "wren": 2}
    assert "listed twice are taken once: 1" in said[0] and "rain0.wav is the first" in said[1]


def test_labels_stand_in_the_tree_or_are_refused(sounds: Path) -> None:
    tree = LabelTree({"animals": None, "frog": "animals", "wren": "animals", "rain": None})
    made = compile_clips(request(sounds, tree=tree), say=print)
    assert made.dataset.manifest.labels.path("frog") == ("animals", "frog") and made.dataset.classes[0] == "frog"
    with pytest.raises(DatasetError, match=r"The label tree has no rain\. It has: frog, wren"):
        compile_clips(request(sounds, tree=LabelTree.flat(("frog", "wren"))), say=print)


def test_more_is_added_to_what_is_there(sounds: Path) -> None:
    base = compile_clips(request(sounds), say=print).dataset
    more = sounds.parent / "more"
    write(more / "owl" / "owl.wav")
    write(more / "frog" / "new.wav", 0.5)
    made = compile_clips(request(sounds, clips=find_clips(more), base=base), say=print).dataset
    assert made.classes == ("frog", "rain", "wren", "owl")
    assert made.manifest.counts == {"frog": 9, "rain": 6, "wren": 2, "owl": 2} and made.labels[:8].tolist() == [0] * 8
    other = replace(HOW, spec=replace(SPEC, n_mels=8))
    with pytest.raises(DatasetError, match="pond has n_mels 16; what is to be added to it has n_mels 8"):
        compile_clips(request(sounds, base=made, cutting=other), say=print)


def test_a_run_that_was_stopped_goes_on(sounds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (sounds / "frog" / "a.wav").touch()
    write(sounds / "frog" / "frog0.wav", rate_hz=44100)  # told once, not again
    whole = compile_clips(request(sounds, "b/pond"), say=print).dataset
    writer = compiling.DatasetWriter
    monkeypatch.setattr(
        compiling, "DatasetWriter", lambda *given, **more: writer(*given, **more, shard_bytes=3 * 4 * 30 * 16)
    )

    def stop(done: int, total: int) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_clips(request(sounds), say=print, advance=stop)
    assert not (sounds.parent / "pond").exists()
    last = sounds / "wren" / "wren0.wav"
    stat = last.stat()
    os.utime(last, ns=(stat.st_atime_ns, 0))
    with pytest.raises(DatasetError, match="from other files"):
        compile_clips(request(sounds, resume=True), say=print)
    os.utime(last, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    said: list[str] = []
    made = compile_clips(request(sounds, resume=True), say=said.append)
    assert said == ["going on after 9 samples"] and len(made.skipped) == 1
    np.testing.assert_array_equal(made.dataset.features(range(16)), whole.features(range(16)))
    assert list(made.dataset.origins()) == list(whole.origins())


def test_names_tell_source_channel_and_moment(tmp_path: Path) -> None:
    kept = write(tmp_path / "owl" / "pond-out_3-2026-05-01-06-30-01.250.wav", 1.0)
    taken = write(tmp_path / "rain" / "pond-2026-05-01-07-00-00.wav", 1.0, channels=2)
    clips = find_clips(tmp_path)
    assert clips[0].group == "pond-2026-05-01-06"
    made = compile_clips(Request(clips=clips, folder=tmp_path / "pond", cutting=HOW), say=print)
    one, two, three, _ = made.dataset.origins()
    assert (one.file, one.channel, one.time) == (str(kept), 3, datetime(2026, 5, 1, 6, 30, 1, 250000, UTC))
    assert two.time == datetime(2026, 5, 1, 6, 30, 1, 750000, UTC)
    assert (three.file, three.channel, three.time) == (str(taken), None, datetime(2026, 5, 1, 7, tzinfo=UTC))
