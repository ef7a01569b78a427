"""Compiled datasets as training data: the same weights as from audio folders, and refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.training import SPEC, options, write_tone_folders
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle
from tidzam.clips import find_clips
from tidzam.dataset import Dataset, DatasetWriter, Draft
from tidzam.errors import DatasetError
from tidzam.inference.loading import run_onnx
from tidzam.labels import LabelTree
from trainer.app import train
from trainer.data.compiled import CompiledSource
from trainer.data.folders import FolderSource, scan
from trainer.data.source import BACKGROUND
from trainer.options import TrainingOptions
from trainer.training_data import open_data

CLIP_S = 0.6
FEATURES = np.random.default_rng(1).uniform(-90, -10, (7, *SPEC.shape)).astype(np.float32)


def compile_folders(folders: Path, out: Path, spec: FeatureSpec, classes: tuple[str, ...] = ("high", "low")) -> Dataset:
    """One sample per file; `classes` are the names of the folders in the dataset."""
    clips = find_clips(folders)
    source = FolderSource(scan(clips).segments, sorted({clip.label for clip in clips}), spec)
    with DatasetWriter(out, Draft(name=out.name, spec=spec, classes=classes, labels=LabelTree.flat(classes))) as writer:
        for index, label in enumerate(source.labels):
            writer.add(source.sequence(index), int(label), source.origin(index))
        return writer.finish(provenance={})


@pytest.fixture(scope="module")
def compiled(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled") / "tones"
    compile_folders(folders, folder, replace(SPEC, window_s=CLIP_S))
    return folder


def train_one(options: TrainingOptions) -> Bundle:
    return train(options, say=lambda _: None)[0]


@pytest.mark.timeout(120)
def test_a_dataset_trains_to_the_weights_of_its_folders(folders: Path, compiled: Path, tmp_path: Path) -> None:
    """Crops of its samples, made by another process; split by the same recordings."""
    of_folders = train_one(options(folders, tmp_path / "folders", iterations=5))
    of_dataset = train_one(replace(options(compiled, tmp_path / "dataset", iterations=5), batch_workers=1))
    assert of_dataset.manifest.features == SPEC
    (checksum,) = of_dataset.manifest.provenance["data"]["sha256"].values()
    assert len(checksum) == 64
    np.testing.assert_array_equal(
        run_onnx(of_dataset.file("onnx"), FEATURES), run_onnx(of_folders.file("onnx"), FEATURES)
    )


def test_validation_data_may_have_another_order_of_classes(compiled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    compile_folders(write_tone_folders(tmp_path / "sound", 3), other, SPEC_LONG, ("low", "high"))
    chosen = replace(options(compiled, tmp_path / "x", iterations=1), dataset_test=other)
    assert len(open_data(chosen, lambda _: None).test) == 6
    source = CompiledSource(compile_folders(tmp_path / "sound", other, SPEC_LONG, ("low", "high")), ("high", "low"))
    assert source.labels.tolist() == [1] * 3 + [0] * 3, "a label is what it is called, not its number"


SPEC_LONG = replace(SPEC, window_s=CLIP_S)


def test_other_features_are_refused_with_both_shown(compiled: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"n_mels 20; .* has n_mels 16"):
        wider = {**SPEC.to_dict(), "n_mels": 20}
        train_one(options(compiled, tmp_path / "x", features=wider))
    with pytest.raises(DatasetError, match=r"window is 0.7 s long, but samples of .* are 0.6 s long"):
        train_one(options(compiled, tmp_path / "x", features={**SPEC.to_dict(), "window_s": 0.7}))


def test_other_classes_are_refused_with_both_shown(compiled: Path, folders: Path, tmp_path: Path) -> None:
    compile_folders(folders, tmp_path / "other", SPEC_LONG, ("high", "rain"))
    chosen = replace(options(compiled, tmp_path / "x"), dataset_test=tmp_path / "other")
    with pytest.raises(DatasetError, match=r"classes that the training data lack: rain. The classes are high, low"):
        train_one(chosen)


@pytest.mark.timeout(60)
def test_features_are_by_default_those_of_the_dataset(compiled: Path, tmp_path: Path) -> None:
    bundle = train_one(options(compiled, tmp_path / "x", features={}, iterations=1))
    assert bundle.manifest.features == SPEC_LONG


def test_a_dataset_without_samples_is_refused(tmp_path: Path) -> None:
    draft = Draft(name="empty", spec=SPEC, classes=("low",), labels=LabelTree.flat(("low",)))
    with DatasetWriter(tmp_path / "empty", draft) as writer:
        writer.finish(provenance={})
    with pytest.raises(DatasetError, match="no readable audio of low"):
        open_data(options(tmp_path / "empty", tmp_path / "x"), lambda _: None)


def test_a_background_class_is_not_an_output(folders: Path, compiled: Path, tmp_path: Path) -> None:
    for place in (folders, compiled):
        data = open_data(options(place, tmp_path / "x", background=("low",)), lambda _: None)
        assert data.classes == ("high",)
        assert set(data.train.labels) == {0, BACKGROUND} == set(data.test.labels)
