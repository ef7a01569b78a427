"""Compiled datasets: what is written is read back, whole or not at all."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.support.datasets import SAMPLE_BYTES, SPEC, draft, numbers, on_a_small_disk, origin, sample, write
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import DatasetWriter, Origin, open_dataset, reader, require_same_features
from tidzam.errors import DatasetError

LABELS = [number % 3 for number in range(21)]


def code_of(folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        open_dataset(folder).labels  # noqa: B018  # reading them is what is tried
    return caught.value.code


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "pond", LABELS)
    dataset = open_dataset(tmp_path / "pond")
    assert len(dataset) == 21
    assert len(dataset.manifest.shards) == 3
    assert dataset.classes == ("frog", "rain", "wren")
    assert dataset.spec == SPEC
    assert dataset.manifest.counts == {"frog": 7, "rain": 7, "wren": 7}
    assert dataset.labels.dtype == np.int32
    assert dataset.labels.tolist() == LABELS
    np.testing.assert_array_equal(dataset.features([20, 0, 9, 0]), [sample(n) for n in (20, 0, 9, 0)])
    assert dataset.features([]).shape == (0, *SPEC.shape)
    assert list(dataset.origins()) == [origin(number) for number in range(21)]
    assert dataset.groups[:5] == ["recording-0"] * 4 + ["recording-1"]
    assert list((tmp_path).iterdir()) == [tmp_path / "pond"]


def test_shards_are_plain_files_that_anybody_maps(tmp_path: Path) -> None:
    folder = write(tmp_path / "pond", LABELS).folder / "shards"
    features = [np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.features.npy"))]
    assert all(isinstance(one, np.memmap) for one in features)
    np.testing.assert_array_equal(np.concatenate(features), [sample(number) for number in range(21)])


def test_samples_out_of_range_raise_an_index_error(tmp_path: Path) -> None:
    dataset = write(tmp_path / "pond", LABELS)
    for index in (-1, 21):
        with pytest.raises(IndexError):
            dataset.features([index])


def test_the_same_content_gives_the_same_checksum(tmp_path: Path) -> None:
    one, other = write(tmp_path / "a" / "pond", LABELS), write(tmp_path / "b" / "pond", LABELS)
    assert one.checksum == other.checksum != write(tmp_path / "c" / "pond", LABELS[1:]).checksum


def test_origins_keep_all_fields(tmp_path: Path) -> None:
    given = [
        Origin('/a "b",c\nd.wav', 1.5, 3, datetime(2026, 5, 1, 6, 30, 0, 250000, tzinfo=UTC), "pond-é"),
        Origin("/caf\udce9.wav"),  # a name that is not valid UTF-8
        Origin("/b.wav", 1e-6, 0, None, "g"),
    ]
    with DatasetWriter(tmp_path / "pond", draft()) as writer:
        for one in given:
            writer.add(sample(0), 0, one)
        writer.finish(provenance={})
    found = open_dataset(tmp_path / "pond").origins()
    assert list(found) == given
    assert found[1:][0] == given[1]


def test_it_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path / "pond", LABELS)
    with pytest.raises(RuntimeError), DatasetWriter(tmp_path / "pond", draft(), shard_bytes=SAMPLE_BYTES) as writer:
        writer.add(sample(99), 0, origin(99))
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["pond"]
    assert numbers(open_dataset(tmp_path / "pond")) == list(range(21))


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.datasets import SAMPLE_BYTES, draft, origin, sample
from tidzam.dataset import DatasetWriter

with DatasetWriter(Path(sys.argv[1]), draft(), job={"of": "a test"}, shard_bytes=4 * SAMPLE_BYTES) as writer:
    for number in range(11):
        if number % 5 == 0:
            writer.note(number=number)
        writer.add(sample(number), 0, origin(number), mark=number // 3)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "pond"
    write(folder, [0])
    killed = subprocess.run([sys.executable, "-c", KILLED, folder], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert numbers(open_dataset(folder)) == [0]
    with (tmp_path / ".pond-writing" / "progress.jsonl").open("a") as journal:
        journal.write('{"shard": ')  # as if killed while writing
    with DatasetWriter(folder, draft(), job={"of": "a test"}, resume=True, shard_bytes=4 * SAMPLE_BYTES) as writer:
        assert len(writer) == 8
        assert writer.position == (2, 2)
        assert writer.notes == [{"number": 0}, {"number": 5}]
        for number in range(8, 11):
            writer.add(sample(number), 0, origin(number), mark=number // 3)
        dataset = writer.finish(provenance={})
    assert numbers(dataset) == list(range(11))
    assert list(dataset.origins()) == [origin(number) for number in range(11)]
    assert [path.name for path in tmp_path.iterdir()] == ["pond"]


def test_linked_shards_are_kept_completely_or_not_at_all(tmp_path: Path) -> None:
    source, job = write(tmp_path / "source", LABELS), {"of": "a test"}
    with DatasetWriter(tmp_path / "pond", draft(), job=job) as writer:
        writer.link(source)
    journal = tmp_path / ".pond-writing" / "progress.jsonl"
    os.truncate(journal, journal.stat().st_size - 1)  # as a full disk cuts the last line short
    with DatasetWriter(tmp_path / "pond", draft(), job=job, resume=True) as writer:
        assert len(writer) == 0
        writer.link(source)
    with DatasetWriter(tmp_path / "pond", draft(), job=job, resume=True) as writer:
        assert len(writer) == 21
        assert list(writer.finish(provenance={}).origins()) == [origin(number) for number in range(21)]


def test_another_job_does_not_resume_it(tmp_path: Path) -> None:
    folder = tmp_path / "pond"
    subprocess.run([sys.executable, "-c", KILLED, folder], check=False)
    size = 4 * SAMPLE_BYTES
    with (
        pytest.raises(DatasetError, match="other options, or other files") as caught,
        DatasetWriter(folder, draft(), job={"of": "another"}, resume=True, shard_bytes=size),
    ):
        pass
    assert caught.value.code == "dataset_resume"
    assert (tmp_path / ".pond-writing").is_dir()
    with DatasetWriter(folder, draft(), job={"of": "another"}, shard_bytes=size) as writer:
        assert len(writer) == 0
        writer.add(sample(3), 1, origin(3))
        assert numbers(writer.finish(provenance={})) == [3]


def test_two_do_not_write_at_once(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "pond", draft()) as writer:
        with pytest.raises(DatasetError, match="Another process is writing"), DatasetWriter(tmp_path / "pond", draft()):
            pass
        writer.add(sample(1), 0, origin(1))
        assert len(writer.finish(provenance={})) == 1


FULL = """
import sys
from pathlib import Path
from tests.support.datasets import draft, origin, sample
from tidzam.dataset import DatasetWriter, open_dataset

folder = Path(sys.argv[1]) / "pond"
with DatasetWriter(folder, draft()) as writer:
    writer.add(sample(0), 0, origin(0))
    writer.finish(provenance={})
try:
    with DatasetWriter(folder, draft(), job={}, shard_bytes=100_000) as writer:
        for number in range(10_000):
            writer.add(sample(number), 0, origin(number))
except Exception as error:
    print(type(error).__name__, error.code, error)
print(len(open_dataset(folder)), "sample")
"""


def test_a_full_disk_is_reported_and_nothing_is_lost(tmp_path: Path) -> None:
    argv = [*on_a_small_disk(tmp_path), sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    message, kept = done.stdout.splitlines()
    assert message.startswith("DatasetError dataset_write")
    assert "No space left on device" in message
    assert "--resume" in message
    assert kept == "1 sample"
    assert not done.stderr


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DatasetError, match="is not a dataset"), DatasetWriter(tmp_path, draft()):
        pass
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_bundle_is_not_replaced_by_a_dataset(tmp_path: Path) -> None:
    (tmp_path / "pond").mkdir()
    (tmp_path / "pond" / "manifest.json").write_text("{}")
    with pytest.raises(DatasetError, match="is not a dataset"), DatasetWriter(tmp_path / "pond", draft()):
        pass


@pytest.mark.parametrize("name", ["my pond", "", "étang", "pond\n", "x" * 129])
def test_an_invalid_name_is_refused_before_any_work(name: str) -> None:
    with pytest.raises(DatasetError, match="Invalid name of a dataset") as caught:
        draft(name)
    assert caught.value.code == "dataset_name"


def test_a_link_leads_to_the_disk_that_the_dataset_stays_on(tmp_path: Path) -> None:
    write(tmp_path / "disk" / "pond", LABELS)
    (tmp_path / "pond").symlink_to(tmp_path / "disk" / "pond")
    write(tmp_path / "pond", LABELS[1:], first=1)
    assert (tmp_path / "pond").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "pond"]
    assert numbers(open_dataset(tmp_path / "disk" / "pond")) == list(range(1, 21))
    assert [path.name for path in (tmp_path / "disk").iterdir()] == ["pond"]


def test_samples_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "pond", draft(), shard_bytes=SAMPLE_BYTES) as writer:
        for features, label in ((sample(0)[1:], 0), (sample(0), 3), (sample(0) * np.float32("nan"), 0)):
            with pytest.raises(DatasetError):
                writer.add(features, label, origin(0))


def test_linked_shards_are_not_copied(tmp_path: Path) -> None:
    source = write(tmp_path / "a", LABELS)
    with DatasetWriter(tmp_path / "b", draft(classes=("wren", "frog", "rain"))) as writer:
        writer.link(source, np.array([1, 2, 0])[source.labels])
        writer.add(sample(50), 0, origin(50))
        dataset = writer.finish(provenance={})
    assert numbers(dataset) == [*range(21), 50]
    assert [dataset.classes[label] for label in dataset.labels[:3]] == ["frog", "rain", "wren"]
    name = "shards/00000.features.npy"
    assert (tmp_path / "a" / name).samefile(tmp_path / "b" / name)
    assert open_dataset(tmp_path / "a").labels.tolist() == LABELS


def test_a_dataset_that_another_takes_the_place_of_is_not_mixed_with_it(tmp_path: Path) -> None:
    old = write(tmp_path / "pond", LABELS)
    chunks = old.chunks()
    next(chunks)
    first = old.features([0])
    write(tmp_path / "pond", LABELS, first=100)
    np.testing.assert_array_equal(old.features([0]), first)  # of a shard that was open
    for read in (lambda: old.features([20]), lambda: next(chunks)):
        with pytest.raises(DatasetError, match="was replaced while it was read"):
            read()


def test_prefetched_samples_are_the_same_with_few_files_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "OPEN_SHARDS", 2)
    dataset = write(tmp_path / "pond", LABELS, a_shard=1)
    before = len(list(Path("/proc/self/fd").iterdir()))
    dataset.prefetch(range(21))
    np.testing.assert_array_equal(dataset.features(range(21)), [sample(number) for number in range(21)])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
    with pytest.raises(IndexError):
        dataset.prefetch([21])


def test_a_folder_that_is_not_a_dataset_is_refused_with_a_reason(tmp_path: Path) -> None:
    assert code_of(tmp_path) == "dataset_missing"
    write(tmp_path / "pond", LABELS)
    manifest = tmp_path / "pond" / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"format_version": 1', '"format_version": 7'))
    with pytest.raises(DatasetError, match="format 7; this Tidzam reads format 1") as caught:
        open_dataset(tmp_path / "pond")
    assert caught.value.code == "dataset_version"
    for broken in ("[]", "{", text.replace('"frog": 7', '"frog": 8'), f"{text} "):
        manifest.write_text(broken)
        assert code_of(tmp_path / "pond") in ("dataset_manifest", "dataset_version")


def test_a_manifest_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    from tidzam.dataset.manifest import DatasetManifest

    values = json.loads((write(tmp_path / "pond", LABELS).folder / "manifest.json").read_text())
    for change in (
        {"classes": ["frog", "frog", "wren"]},
        {"classes": ["frog", "rain", "owl"]},  # outside the tree
        {"counts": {"frog": 7, "rain": 7}},
        {"counts": {"frog": 7, "rain": 7, "wren": 8}},
    ):
        with pytest.raises(ValueError):
            DatasetManifest.model_validate({**values, **change})


@pytest.mark.parametrize("change", [lambda raw: raw[:-1], lambda raw: b"x" * len(raw), lambda raw: b""])
@pytest.mark.parametrize("kind", ["features", "labels"])
def test_an_invalid_shard_is_refused(tmp_path: Path, kind: str, change: object) -> None:
    assert callable(change)
    write(tmp_path / "pond", LABELS)
    path = tmp_path / "pond" / "shards" / f"00001.{kind}.npy"
    raw = path.read_bytes()
    path.write_bytes(change(raw))
    with pytest.raises(DatasetError) as caught:
        dataset = open_dataset(tmp_path / "pond")
        print(dataset.features([9]), dataset.labels)
    assert caught.value.code == "dataset_shard"


def test_features_of_another_kind_are_refused_with_both_shown() -> None:
    other = FeatureSpec(rate_hz=8000, window_s=0.2, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
    with pytest.raises(DatasetError, match=r"pond has window_s 0.1, n_mels 8; creek has window_s 0.2, n_mels 16"):
        require_same_features(SPEC, other, names=("pond", "creek"))
    with pytest.raises(DatasetError, match=r"pond has n_mels 8; creek has n_mels 16"):
        require_same_features(SPEC, other, names=("pond", "creek"), but={"window_s"})
    require_same_features(SPEC, other, names=("pond", "creek"), but={"window_s", "n_mels"})
