"""Operations on datasets: no sample is lost or doubled, and the same seed gives the same result."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from database_tool import operations, shuffle
from database_tool.partition import partition
from database_tool.shuffle import randomize
from tests.support.datasets import SAMPLE_BYTES, SPEC, numbers, origin, sample, write
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Dataset, DatasetWriter, open_dataset
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree

LABELS = [0] * 14 + [1] * 5 + [2] * 2
EVERY_THIRD = np.array([0, 1, 1] * 7, np.int8)


@pytest.fixture
def pond(tmp_path: Path) -> Dataset:
    return write(tmp_path / "pond", LABELS)


def require_consistent(dataset: Dataset) -> None:
    """Every sample has the features, and the origin, that its number stands for."""
    for number, features, found in zip(
        numbers(dataset), dataset.features(range(len(dataset))), dataset.origins(), strict=True
    ):
        np.testing.assert_array_equal(features, sample(number))
        assert found == origin(number)


def test_merge_joins_classes_by_name(tmp_path: Path, pond: Dataset) -> None:
    creek = write(tmp_path / "creek", [0, 1, 1], classes=("wren", "owl"), first=100)
    merged = operations.merge(pond, [creek], pond.folder)
    assert merged.name == "pond"
    assert merged.classes == ("frog", "rain", "wren", "owl")
    assert merged.manifest.counts == {"frog": 14, "rain": 5, "wren": 3, "owl": 2}
    assert numbers(merged) == [*range(21), 100, 101, 102]
    require_consistent(merged)
    assert numbers(open_dataset(creek.folder)) == [100, 101, 102]


def test_merge_as_one_class(tmp_path: Path, pond: Dataset) -> None:
    creek = write(tmp_path / "creek", [0, 1, 1], classes=("wren", "owl"), first=100)
    merged = operations.merge(pond, [creek], tmp_path / "both", as_class="birds")
    assert merged.name == "both"
    assert merged.manifest.counts == {"frog": 14, "rain": 5, "wren": 2, "birds": 3}
    assert len(open_dataset(pond.folder)) == 21


def test_merge_refuses_other_features_and_shows_both(tmp_path: Path, pond: Dataset) -> None:
    spec = FeatureSpec(rate_hz=8000, window_s=0.1, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
    other = write(tmp_path / "creek", [0], spec=spec)
    with pytest.raises(DatasetError, match=r"pond has n_mels 8; creek has n_mels 16"):
        operations.merge(pond, [other], pond.folder)
    assert len(open_dataset(pond.folder)) == 21


def test_split_in_place_and_into_folds(tmp_path: Path, pond: Dataset) -> None:
    sides = partition(pond.groups, pond.labels, (0.25, 0.75), n_classes=3, seed=0)
    test, train = operations.split(pond, [tmp_path / "test", pond.folder], sides, details={})
    assert test.name == "test"
    assert train.name == "pond"
    assert sorted(numbers(test) + numbers(train)) == list(range(21))
    assert not set(test.groups) & set(train.groups)
    require_consistent(test)
    require_consistent(train)


@pytest.fixture
def interrupted_split(tmp_path: Path, pond: Dataset, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of a split that was interrupted in its second half, with shards of two samples."""
    monkeypatch.setattr(operations, "SHARD_BYTES", 2 * SAMPLE_BYTES)
    folders = [tmp_path / "test", pond.folder]

    def stop(done: int, total: int) -> None:
        if done > 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        operations.split(pond, folders, EVERY_THIRD, details={}, advance=stop)
    return folders


def test_an_interrupted_split_leaves_the_dataset_unchanged(pond: Dataset, interrupted_split: list[Path]) -> None:
    assert numbers(open_dataset(pond.folder)) == list(range(21))
    assert not interrupted_split[0].exists()


def test_an_interrupted_split_is_resumed(pond: Dataset, interrupted_split: list[Path]) -> None:
    seen: list[int] = []
    test, train = operations.split(
        pond, interrupted_split, EVERY_THIRD, details={}, resume=True, advance=lambda done, _: seen.append(done)
    )
    assert seen[0] > 8  # finished work is not repeated
    assert numbers(test) == list(range(0, 21, 3))
    assert numbers(train) == [n for n in range(21) if n % 3]
    require_consistent(train)


def test_a_split_is_resumed_between_two_parts(tmp_path: Path, pond: Dataset) -> None:
    folders = [tmp_path / "test", pond.folder]
    operations.split(pond, [folders[0], tmp_path / "rest"], EVERY_THIRD, details={"seed": 1})
    made = (tmp_path / "test" / "manifest.json").stat().st_mtime_ns
    test, train = operations.split(pond, folders, EVERY_THIRD, details={"seed": 1}, resume=True)
    assert (tmp_path / "test" / "manifest.json").stat().st_mtime_ns == made
    assert numbers(test) == list(range(0, 21, 3))
    assert numbers(train) == [n for n in range(21) if n % 3]


@pytest.mark.parametrize(("side", "seed", "complete"), [(0, 1, True), (1, 1, False), (0, 2, False)])
def test_only_that_part_of_that_split_counts_as_complete(
    tmp_path: Path, pond: Dataset, side: int, seed: int, complete: bool
) -> None:
    folders = [tmp_path / "test", tmp_path / "rest"]
    operations.split(pond, folders, EVERY_THIRD, details={"seed": 1})
    assert (operations.side_at(pond, folders[0], side, {"seed": seed}) is not None) == complete


@pytest.mark.parametrize("act", [operations.balance, randomize])
def test_balancing_and_shuffling_are_resumed(
    tmp_path: Path, pond: Dataset, monkeypatch: pytest.MonkeyPatch, act: Callable[..., Dataset]
) -> None:
    expected = act(pond, tmp_path / "expected", seed=3)
    writer, size = DatasetWriter, 4 * SAMPLE_BYTES
    for module in (operations, shuffle):
        monkeypatch.setattr(module, "DatasetWriter", partial(writer, shard_bytes=size))
    monkeypatch.setattr(operations, "COPY_BATCH", 5)

    def stop(done: int, total: int) -> None:
        if done > total - 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        act(pond, tmp_path / "new", seed=3, advance=stop)
    assert not (tmp_path / "new").exists()
    finished = {path.name: path.stat().st_mtime_ns for path in (tmp_path / ".new-writing" / "shards").iterdir()}
    assert len(finished) > 6
    found = act(pond, tmp_path / "new", seed=3, resume=True)
    assert {name: (tmp_path / "new" / "shards" / name).stat().st_mtime_ns for name in finished} == finished
    assert numbers(found) == numbers(expected)
    assert found.labels.tolist() == expected.labels.tolist()
    require_consistent(found)


def test_buckets_that_cannot_be_written_are_reported(tmp_path: Path, pond: Dataset) -> None:
    (tmp_path / ".pond-buckets").touch()
    with pytest.raises(DatasetError, match=r"buckets cannot be written: .*twice the size of the dataset") as caught:
        randomize(pond, pond.folder, seed=0)
    assert caught.value.code == "dataset_write"
    assert numbers(open_dataset(pond.folder)) == list(range(21))


def test_copies_are_counted_per_class(pond: Dataset) -> None:
    assert operations.copies(pond) == {"frog": 0, "rain": 9, "wren": 12}


def test_balance_makes_all_classes_equally_large(pond: Dataset) -> None:
    balanced = operations.balance(pond, pond.folder, seed=3)
    assert balanced.manifest.counts == {"frog": 14, "rain": 14, "wren": 14}
    assert sum(operations.copies(balanced).values()) == 0
    require_consistent(balanced)


def test_balance_copies_all_samples_of_a_class_equally_often(pond: Dataset) -> None:
    times = Counter(numbers(operations.balance(pond, pond.folder, seed=3)))
    assert {times[number] for number in range(14)} == {1}
    assert {times[number] for number in range(14, 19)} == {2, 3}
    assert {times[number] for number in (19, 20)} == {7}


def test_balance_leaves_an_empty_class_empty(tmp_path: Path) -> None:
    lone = write(tmp_path / "pond", [0, 0, 2])
    assert operations.balance(lone, lone.folder, seed=0).manifest.counts == {"frog": 2, "rain": 0, "wren": 2}


def test_randomize_keeps_every_sample_with_its_label(tmp_path: Path, pond: Dataset) -> None:
    shuffled = randomize(pond, tmp_path / "new", seed=5, bucket_bytes=4 * SAMPLE_BYTES)
    assert sorted(numbers(shuffled)) == list(range(21))
    assert [LABELS[number] for number in numbers(shuffled)] == shuffled.labels.tolist()
    require_consistent(shuffled)


def test_the_order_depends_on_the_seed_and_not_on_the_buckets(tmp_path: Path, pond: Dataset) -> None:
    one = randomize(pond, tmp_path / "one", seed=5, bucket_bytes=4 * SAMPLE_BYTES)
    assert numbers(one) == numbers(randomize(pond, tmp_path / "other", seed=5))
    assert numbers(one) != numbers(randomize(pond, tmp_path / "third", seed=6))


def test_buckets_are_removed(tmp_path: Path, pond: Dataset) -> None:
    randomize(pond, tmp_path / "new", seed=5, bucket_bytes=4 * SAMPLE_BYTES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "pond"]


def test_relabel_moves_deletes_and_adds(tmp_path: Path, pond: Dataset) -> None:
    labels = pond.labels.copy()
    labels[:3], labels[20] = operations.DELETED, 0
    tree = LabelTree({"frog": None, "rain": None, "wren": "birds", "birds": None})
    changed = operations.relabel(
        pond, labels, pond.folder, classes=pond.classes, tree=tree, added=[(sample(50), 1, origin(50))]
    )
    assert numbers(changed) == [*range(3, 21), 50]
    assert changed.manifest.counts == {"frog": 12, "rain": 6, "wren": 1}
    assert changed.manifest.labels.path("wren") == ("birds", "wren")
    require_consistent(changed)


def test_rename_moves_the_folder(tmp_path: Path, pond: Dataset) -> None:
    renamed = operations.rename(pond, tmp_path / "creek")
    assert (renamed.name, len(renamed)) == ("creek", 21)
    assert [path.name for path in tmp_path.iterdir()] == ["creek"]


def test_rename_does_not_replace_a_folder(tmp_path: Path, pond: Dataset) -> None:
    (tmp_path / "creek").mkdir()
    with pytest.raises(DatasetError, match="already exists"):
        operations.rename(pond, tmp_path / "creek")


def test_rename_removes_the_link_by_which_the_dataset_was_given(tmp_path: Path, pond: Dataset) -> None:
    (tmp_path / "link").symlink_to(pond.folder)
    operations.rename(open_dataset(tmp_path / "link"), tmp_path / "brook")
    assert [path.name for path in tmp_path.iterdir()] == ["brook"]


def test_an_empty_class_is_added(pond: Dataset) -> None:
    more = operations.add_class(pond, "owl")
    assert more.manifest.counts["owl"] == 0
    assert more.labels.tolist() == LABELS


def test_a_class_is_not_added_twice(pond: Dataset) -> None:
    with pytest.raises(DatasetError, match="pond already has a class 'frog'"):
        operations.add_class(pond, "frog")


def test_statistics_are_those_of_the_features(pond: Dataset) -> None:
    measured = operations.with_statistics(pond).manifest.statistics
    values = open_dataset(pond.folder).features(range(21)).astype(np.float64).reshape(-1, SPEC.n_mels)
    np.testing.assert_allclose(measured["mean_db"], values.mean(axis=0), atol=1e-3)
    np.testing.assert_allclose(measured["deviation_db"], values.std(axis=0), atol=1e-3)
    assert measured["recordings"] == {"frog": 4, "rain": 2, "wren": 2}


def test_the_provenance_has_the_operations_in_order(pond: Dataset) -> None:
    checksum = pond.checksum
    done = randomize(operations.balance(pond, pond.folder, seed=0), pond.folder, seed=0)
    steps = done.manifest.provenance["steps"]
    assert [step["operation"] for step in steps] == ["balance", "randomize"]
    assert steps[0]["from"] == checksum
    assert steps[0]["copies"] == {"frog": 0, "rain": 9, "wren": 12}
