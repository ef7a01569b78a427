"""Audio folders as training data: sequences, the split by recordings, the cache."""

import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.support.memory_source import MemorySource
from tests.support.training import SPEC, tone
from tidzam.audio.features import extract_sequence
from tidzam.clips import Clip, find_clips
from tidzam.dataset import Origin
from tidzam.errors import DatasetError
from trainer.data.cache import SequenceCache
from trainer.data.folders import SEGMENT_S, FolderSource, scan
from trainer.data.source import BACKGROUND
from trainer.data.split import JoinedSource, Subset, part_of, split
from trainer.data.tree import find_leaves


def folder_source(folder: Path, classes: tuple[str, ...] = ("high", "low")) -> FolderSource:
    return FolderSource(scan(find_clips(folder)).segments, classes, SPEC)


def test_a_sequence_is_the_features_of_the_whole_file(folders: Path) -> None:
    source = folder_source(folders)
    assert len(source) == 20
    assert source.labels.tolist() == [0] * 10 + [1] * 10
    samples, _ = soundfile.read(source.origin(3).file, dtype="float32")
    np.testing.assert_array_equal(source.sequence(3), extract_sequence(samples, SPEC))


def test_other_labels_are_background(folders: Path) -> None:
    assert folder_source(folders, ("high",)).labels.tolist() == [0] * 10 + [BACKGROUND] * 10


def test_stereo_at_another_rate_is_mixed_and_resampled(tmp_path: Path) -> None:
    stereo = np.stack([tone(500, 1.0, 16000), np.zeros(16000, np.float32)], axis=1)
    soundfile.write(tmp_path / "a.flac", stereo, 16000)
    source = FolderSource(scan([Clip(tmp_path / "a.flac", "a", "a")]).segments, ("a",), SPEC)
    expected = extract_sequence(tone(500, 1.0) * np.float32(0.5), SPEC)
    assert np.abs(source.sequence(0)[2:-2] - expected[2:-2])[:, :6].max() < 1


def test_a_long_file_is_divided_into_segments(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).uniform(-0.1, 0.1, int(2.4 * SEGMENT_S * 8000)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", sound, 8000, subtype="FLOAT")
    source = FolderSource(scan([Clip(tmp_path / "a.wav", "a", "a")]).segments, ("a",), SPEC)
    assert [source.origin(k).offset_s for k in range(len(source))] == [0, SEGMENT_S]
    joined = np.concatenate([sound[: int(SEGMENT_S * 8000)], sound[int(SEGMENT_S * 8000) :]])
    np.testing.assert_array_equal(source.sequence(1), extract_sequence(joined[int(SEGMENT_S * 8000) :], SPEC))


def test_unreadable_files_are_listed_and_the_others_used(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", tone(500), 8000)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("not sound")
    clips = [Clip(tmp_path / f"{name}.wav", "a", name) for name in ("empty", "good", "gone", "text")]
    scanned = scan(clips)
    assert [segment.path.stem for segment in scanned.segments] == ["good"]
    assert [one.path.stem for one in scanned.bad] == ["empty", "gone", "text"]
    assert all(str(one.path) in one.reason for one in scanned.bad)


def test_a_truncated_file_gives_its_readable_part(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, np.random.default_rng(1).uniform(-0.5, 0.5, 4 * 44100).astype(np.float32), 44100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (segment,) = scan([Clip(path, "a", "a")]).segments
    assert segment.duration_s is not None
    assert 1 < segment.duration_s < 3
    assert len(FolderSource([segment], ("a",), SPEC).sequence(0)) * SPEC.hop_length / 8000 == pytest.approx(
        segment.duration_s, abs=0.1
    )


def test_a_file_that_was_deleted_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(500), 8000)
    source = FolderSource(scan([Clip(tmp_path / "a.wav", "a", "a")]).segments, ("a",), SPEC)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(DatasetError, match=r"a\.wav can no longer be read"):
        source.sequence(0)


def test_the_cache_is_limited_and_evicts_the_least_recently_used() -> None:
    made: list[int] = []

    def make(index: int) -> np.ndarray:
        made.append(index)
        return np.zeros((10, 10), np.float32)

    cache = SequenceCache(1000)
    for index in (0, 1, 0, 2, 0, 1):
        cache.get(index, partial(make, index))
        assert cache.used_bytes <= 1000
    assert made == [0, 1, 2, 1]
    assert pickle.loads(pickle.dumps(cache)).limit_bytes == 1000


def source_of(groups: list[str], labels: list[int]) -> MemorySource:
    sequences = [np.full((2, 2), k, np.float32) for k in range(len(groups))]
    origins = [Origin(f"{k}.wav", group=group) for k, group in enumerate(groups)]
    return MemorySource(SPEC, ("a", "b", "c"), sequences, np.array(labels), origins)


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from([BACKGROUND, 0, 1, 2])), min_size=1))
def test_a_recording_is_on_one_side_and_every_class_has_training_data(pairs: list[tuple[int, int]]) -> None:
    source = source_of([str(group) for group, _ in pairs], [label for _, label in pairs])
    train, test = split(source)
    assert len(train) + len(test) == len(source)
    assert not set(train.groups) & set(test.groups)
    assert set(source.labels) == set(train.labels)


def test_about_a_fifth_of_every_class_is_validation_data_and_always_the_same() -> None:
    source = source_of([f"recording-{k}" for k in range(300)], [k % 3 for k in range(300)])
    _, test = split(source)
    assert 40 < len(test) < 80
    assert set(test.labels) == {0, 1, 2}
    assert list(test.groups) == list(split(source)[1].groups)


def test_one_of_two_recordings_is_validation_data() -> None:
    train, test = split(source_of(["x", "y"] * 3, [0, 0, 1, 1, 2, 2]))
    assert set(train.labels) == set(test.labels) == {0, 1, 2}


def test_parts_are_disjoint_and_complete() -> None:
    source = source_of([str(k) for k in range(10)], [0] * 10)
    for whole in (source, Subset(source, np.arange(10)), JoinedSource([source])):
        parts = [part_of(whole, index, 3) for index in range(3)]
        seen = [int(one.sequence(k)[0, 0]) for one in parts for k in range(len(one))]
        assert sorted(seen) == list(range(10))


def test_joined_sources_follow_one_another() -> None:
    one, other = source_of(["x", "y"], [0, 1]), source_of(["z"], [BACKGROUND])
    joined = JoinedSource([one, other])
    assert len(joined) == 3
    assert joined.labels.tolist() == [0, 1, BACKGROUND]
    assert list(joined.groups) == ["x", "y", "z"]
    assert joined.origin(2).group == "z"
    np.testing.assert_array_equal(joined.sequence(2), other.sequence(0))


def test_nested_folders_are_a_label_tree(tmp_path: Path) -> None:
    for home in ("birds/crow", "birds/goose", "rain"):
        (tmp_path / home).mkdir(parents=True)
        soundfile.write(tmp_path / home / "1.wav", tone(500), 8000)
    clips, tree = find_leaves(tmp_path)
    assert [clip.label for clip in clips] == ["crow", "goose", "rain"]
    assert tree.parents == {"birds": None, "crow": "birds", "goose": "birds", "rain": None}
    (tmp_path / "frogs" / "crow").mkdir(parents=True)
    soundfile.write(tmp_path / "frogs" / "crow" / "1.wav", tone(500), 8000)
    with pytest.raises(DatasetError, match="Two folders have the class name 'crow'"):
        find_leaves(tmp_path)


def test_folders_that_differ_only_in_their_unicode_form_are_one_label(tmp_path: Path) -> None:
    for home in ("oiseaux/mésange", "oiseaux/me\u0301sange", "rain"):
        (tmp_path / home).mkdir(parents=True)
        soundfile.write(tmp_path / home / "1.wav", tone(500), 8000)
    (tmp_path / "loose.wav").touch()
    (tmp_path / "owl").mkdir()
    clips, tree = find_leaves(tmp_path)
    assert sorted(clip.label for clip in clips) == ["mésange", "mésange", "rain"]
    assert clips.empty == ("owl",)
    assert tree.parents == {"mésange": "oiseaux", "oiseaux": None, "rain": None}
    assert clips.remarks == ("left out (in no class folder): loose.wav",)
