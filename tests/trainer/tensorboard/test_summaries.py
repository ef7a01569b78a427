"""Summaries of a real, short training, read back from the event files as TensorBoard reads them."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from tests.support.sound import loudest_hz
from tidzam.audio.features import FeatureSpec
from tidzam.clips import find_clips
from trainer.data.augmentation import Crop, Gain
from trainer.data.batches import Batches
from trainer.data.folders import FolderSource, scan
from trainer.evaluation.predictions import draw_examples

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SPEC = FeatureSpec(rate_hz=8000, window_s=0.25, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
CLASSES = ("high", "low")
PITCHES_HZ = {"high": 2800.0, "low": 500.0}
EVERY, LAST = 25, 60
NB_EMBEDDINGS = 10

pytestmark = pytest.mark.timeout(120)


def write_tones(root: Path) -> None:
    """Ten clips of each pitch; the first of `low` is mislabelled, so that one example is misclassified."""
    for label, hz in PITCHES_HZ.items():
        (root / label).mkdir(parents=True)
        for number in range(10):
            pitch = PITCHES_HZ["high"] if (label, number) == ("low", 0) else hz * (0.95 + 0.01 * number)
            tone = 0.2 * np.sin(2 * np.pi * pitch * np.arange(4800) / 8000)
            soundfile.write(root / label / f"{number}.wav", tone.astype(np.float32), 8000)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training's summaries."""
    import tensorflow as tf

    from trainer.heads import Head
    from trainer.loop import TrainingState, run_local
    from trainer.models import find_model
    from trainer.tensorboard.summaries import Summaries
    from trainer.training_file import Optimizer

    root = tmp_path_factory.mktemp("summaries")
    write_tones(root / "tones")
    source = FolderSource(scan(find_clips(root / "tones")).segments, CLASSES, SPEC)
    state = TrainingState.create(
        find_model("small"), SPEC.shape, heads=[Head("tones", CLASSES)], activation="softmax",
        recipe=Optimizer(learning_rate=0.02), iterations=LAST,
    )  # fmt: skip
    examples = draw_examples(source, SPEC, count=50, seed=0)
    batches = Batches(source, SPEC, (Crop(), Gain()), size=16, seed=0)
    summaries = Summaries(
        root / "out", state, SPEC,
        train=examples, validation=examples, every=EVERY, last=LAST, nb_embeddings=NB_EMBEDDINGS,
    )  # fmt: skip
    supply = (batches[k] for k in range(LAST))
    run = run_local(state, supply, None, strategy=tf.distribute.get_strategy(), iterations=LAST, testing_step=10)
    for report in run:
        summaries.watch(report)
    summaries.close()
    return root / "out"


def events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


@pytest.fixture(scope="module")
def train(written: Path) -> Any:
    return events(written / "train")


@pytest.fixture(scope="module")
def validation(written: Path) -> Any:
    return events(written / "validation")


def value(accumulator: Any, tag: str) -> Any:
    """The last value of `tag` as an array."""
    from tensorboard.util.tensor_util import make_ndarray

    return make_ndarray(accumulator.Tensors(tag)[-1].tensor_proto)


def picture(accumulator: Any, tag: str) -> Image.Image:
    """The first picture of an image summary, which begins with its width and height."""
    content = value(accumulator, tag)
    return Image.open(io.BytesIO(content[2]))


def test_scalars_are_written_each_time_and_at_the_end(train: Any, validation: Any) -> None:
    for side in (train, validation):
        for tag in ("accuracy", "cost", "macro_f1", "precision/high", "recall/low"):
            assert [event.step for event in side.Tensors(tag)] == [25, 50, 60], tag
    assert value(validation, "accuracy") == pytest.approx(19 / 20)
    assert value(validation, "recall/low") == pytest.approx(9 / 10)


def test_progress_and_memory(train: Any) -> None:
    assert value(train, "progress/examples_per_s") > 10
    assert 0 < value(train, "progress/learning_rate") < 0.02
    assert 0 <= value(train, "progress/input_wait") <= 1
    assert value(train, "memory/resident_mb") > 100
    assert np.isfinite(value(train, "progress/batch_cost"))


def test_everything_else_is_written_every_tenth_time_and_at_the_end(train: Any, validation: Any) -> None:
    assert [event.step for event in validation.Tensors("confusion")] == [60]
    assert [event.step for event in train.Tensors("weights/logits/kernel")] == [60]


def test_confusion_and_kernels_are_pictures(train: Any, validation: Any) -> None:
    assert picture(validation, "confusion").width > 100
    kernels = picture(train, "kernels/first_layer")
    assert kernels.size == (4 * 5 * 10 + 9, 4 * 5 * 10 + 9)  # 16 kernels of 5 by 5, 10 pixels each, with gaps


def test_feature_maps_of_an_example_of_each_class(validation: Any) -> None:
    for label in CLASSES:
        assert picture(validation, f"feature_maps/{label}").width > 20
        assert picture(validation, f"feature_maps/{label}/input").size == (3 * SPEC.n_frames, 3 * SPEC.n_mels)


def test_precision_recall_curves_are_the_plugins(validation: Any) -> None:
    assert validation.SummaryMetadata("pr/low").plugin_data.plugin_name == "pr_curves"
    hits, false_alarms, *_, recall = value(validation, "pr/low")
    assert (hits[0], false_alarms[0], recall[0]) == (10, 10, 1)


def test_weights_are_histograms(train: Any) -> None:
    assert train.SummaryMetadata("weights/logits/kernel").plugin_data.plugin_name == "histograms"
    counts = value(train, "weights/logits/kernel")[:, 2]
    assert counts.sum() == 2 * 2 * 64 * 1  # two classes, mean and peak, of 64 channels in one band


def test_the_graph_with_the_costs_of_its_operations(train: Any) -> None:
    from tensorboard.compat.proto.config_pb2 import RunMetadata

    nodes = {node.name for node in train.Graph().node}
    metadata = RunMetadata.FromString(value(train, "training_step").item())
    costs = [node for device in metadata.step_stats.dev_stats for node in device.node_stats]
    assert train.SummaryMetadata("training_step").plugin_data.plugin_name == "graph_run_metadata"
    assert sum(cost.node_name in nodes for cost in costs) > 100
    assert sum(memory.total_bytes for cost in costs for memory in cost.memory) > 10_000
    assert any(cost.all_end_rel_micros > 0 for cost in costs)


def test_a_profile_is_written(written: Path) -> None:
    (profile,) = (written / "train/plugins/profile").rglob("*.xplane.pb")
    assert 1000 < profile.stat().st_size < 5_000_000


def test_a_misclassified_example_has_an_image_and_audio(written: Path, validation: Any) -> None:
    words = value(validation, "mistaken").item().decode()
    assert words.startswith("1. low classified as high")
    assert "0.wav at 0." in words
    assert "2." not in words.split("\n")[-1]
    assert picture(validation, "mistaken/1/spectrogram").size == (3 * SPEC.n_frames, 3 * SPEC.n_mels)
    samples, rate_hz = soundfile.read(io.BytesIO(value(validation, "mistaken/1/sound")[0, 0]))
    assert (rate_hz, len(samples)) == (8000, SPEC.window_samples)
    assert loudest_hz(samples, rate_hz) == PITCHES_HZ["high"]


def test_embeddings_are_readable_by_the_projector(written: Path) -> None:
    folder = written / "validation"
    vectors = np.loadtxt(folder / "embeddings.tsv")
    labels = (folder / "embeddings.labels.tsv").read_text().splitlines()
    assert vectors.shape[0] == NB_EMBEDDINGS == len(labels) - 1
    assert {line.split("\t")[0] for line in labels[1:]} == set(CLASSES)
    with Image.open(folder / "embeddings.png") as sheet:
        assert sheet.size == (4 * 48, 4 * 48)


def test_layers_are_found_in_the_members_of_an_ensemble() -> None:
    from trainer.models import ensemble_of, find_model
    from trainer.tensorboard import layers

    one = find_model("small")(SPEC.shape, 2)
    both = ensemble_of(find_model("small"), 2)(SPEC.shape, 4)
    silence = np.full((3, *SPEC.shape), -100, np.float32)
    for find in (layers.first_maps, layers.embedding):
        of_one, of_both = find(one), find(both)
        assert of_one is not None
        assert of_both is not None
        assert of_one(silence).shape == of_both(silence).shape
    kernels = layers.first_kernels(both)
    assert kernels is not None
    assert kernels.shape == (16, 5, 5)


def test_the_graph_of_a_network_in_shards(tmp_path: Path) -> None:
    """As on parameter servers: weights are read from the device that keeps them."""
    import tensorflow as tf

    from trainer.backends.cluster.sharded_dense import sharded
    from trainer.data.source import Batch
    from trainer.heads import Head
    from trainer.loop import TrainingState
    from trainer.models import find_model
    from trainer.tensorboard.graph import write_graph
    from trainer.training_file import Optimizer

    state = TrainingState.create(
        sharded(find_model("small"), shard_bytes=256), SPEC.shape, heads=[Head("tones", CLASSES)],
        activation="sigmoid", recipe=Optimizer(), iterations=LAST,
    )  # fmt: skip
    batch = Batch(np.zeros((4, *SPEC.shape), np.float32), np.ones((4, 2), np.float32))
    with tf.summary.create_file_writer(str(tmp_path)).as_default():
        write_graph(state, batch, 1)
    assert len([weight for weight in state.model.weights if "logits" in weight.path]) > 2
    assert any("MatMul" in node.name for node in events(tmp_path).Graph().node)
