"""Batches: the same in every process, and with the right targets."""

import multiprocessing
import os
import pickle
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.support.memory_source import MemorySource
from tests.support.training import SPEC, tone
from tidzam.audio.features import extract_sequence
from tidzam.errors import SetupError
from trainer.data.augmentation import Augmentation, Crop, MicrophoneNoise
from trainer.data.batches import Batches
from trainer.data.source import BACKGROUND
from trainer.data.workers import _work, prefetch
from trainer.training_file import SIGMOID_AUGMENTATIONS, SOFTMAX_AUGMENTATIONS

CLASSES = ("high", "low", "silence")


def source(*, background: bool = False, copies: int = 2) -> MemorySource:
    sounds = [tone(3000), tone(400), np.zeros(4800, np.float32), *([tone(1500)] if background else [])]
    labels = [0, 1, 2, *([BACKGROUND] if background else [])]
    sequences = [extract_sequence(sound, SPEC) for sound in sounds]
    return MemorySource(SPEC, CLASSES, sequences * copies, np.array(labels * copies))


def make(
    augmentations: Sequence[Augmentation] = SIGMOID_AUGMENTATIONS, *, background: bool = False, **more: object
) -> Batches:
    options = {"size": 64, "seed": 1, "exclusive": ("silence",), **more}
    return Batches(source(background=background), SPEC, augmentations, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("processes", [0, 2])
def test_batch_k_is_the_same_in_every_process(processes: int) -> None:
    made = list(prefetch(make(), 3, 10, processes=processes))
    assert len(made) == 7
    for (features, targets), index in zip(made, range(3, 10), strict=True):
        expected = make()[index]
        np.testing.assert_array_equal(features, expected.features)
        np.testing.assert_array_equal(targets, expected.targets)


def test_workers_never_load_tensorflow_and_end_when_the_generator_is_closed() -> None:
    before = set(psutil.Process().children(recursive=True))
    supply = prefetch(make(), 0, 1000, processes=1)
    next(supply)
    (worker,) = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    libraries = " ".join(mapped.path for mapped in worker.memory_maps())
    assert "numpy" in libraries
    assert "tensorflow" not in libraries
    supply.close()
    assert not worker.is_running()
    assert len(set(psutil.Process().children(recursive=True)) - before) <= 1  # multiprocessing's resource tracker


def test_a_killed_worker_is_one_error() -> None:
    supply = prefetch(make(), 0, 1000, processes=1)
    next(supply)
    (worker,) = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(SetupError, match="batch worker was killed"):
        list(supply)


def test_a_worker_whose_pipe_is_closed_ends_silently(capfd: pytest.CaptureFixture[str]) -> None:
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(make(), range(1000), writer))
    worker.start()
    reader.close()
    writer.close()
    worker.join(60)
    assert (worker.exitcode, capfd.readouterr().err) == (0, "")


def test_workers_ignore_ctrl_c_from_their_start() -> None:
    supply = prefetch(make(), 0, 1000, processes=1)
    next(supply)
    (worker,) = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    fields = dict(line.split(":\t") for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines())
    assert int(fields["SigBlk"], 16) & 1 << (signal.SIGINT - 1)
    supply.close()


def test_shapes_and_seeds() -> None:
    features, targets = make()[0]
    assert features.shape == (64, *SPEC.shape)
    assert targets.shape == (64, 3)
    assert features.dtype == targets.dtype == np.float32
    assert not np.array_equal(features, make(seed=2)[0].features)


def test_all_classes_of_an_example_are_targets_and_silence_only_alone() -> None:
    targets = np.concatenate([make()[k].targets for k in range(10)])
    together = targets.sum(axis=1)
    assert (together == 2).any()
    assert (together == 1).any()
    assert set(np.unique(targets)) == {0.0, 1.0}
    assert np.all(together[targets[:, 2] == 1] == 1)


def test_targets_match_the_features() -> None:
    features, targets = make()[0]
    high, low = features[:, :, 12:].max(axis=(1, 2)), features[:, :, :4].max(axis=(1, 2))
    assert high[targets[:, 0] == 1].min() > high[targets[:, 0] == 0].max()
    assert low[targets[:, 1] == 1].min() > low[targets[:, 1] == 0].max()


def test_background_alone_has_no_targets() -> None:
    targets = np.concatenate([make(background=True)[k].targets for k in range(5)])
    assert targets.shape[1] == 3
    assert (targets.sum(axis=1) == 0).any()


def test_softmax_targets_are_distributions() -> None:
    targets = make(SOFTMAX_AUGMENTATIONS, background=True)[0].targets
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)


def test_balanced_draws_classes_equally_natural_each_sequence_once_per_epoch() -> None:
    rare = MemorySource(
        SPEC, ("a", "b"), [np.full((60, 16), float(-k), np.float32) for k in range(12)], np.array([0] * 11 + [1])
    )
    balanced = np.concatenate([Batches(rare, SPEC, (), size=50, seed=1)[k].targets for k in range(8)])
    assert balanced[:, 1].mean() == pytest.approx(0.5, abs=0.1)
    natural = Batches(rare, SPEC, (), size=8, seed=1, draw="natural")
    taken = [int(-level) for k in range(6) for level in natural[k].features[:, 0, 0]]
    epochs = [taken[start : start + 12] for start in range(0, 48, 12)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert epochs[0] != epochs[1]


def test_a_table_gives_each_class_its_targets() -> None:
    table = np.array([[1, 1, 0], [1, 0, 1], [0, 0, 0]], np.float32)
    targets = make((Crop(),), table=table)[0].targets
    assert {tuple(row) for row in targets.tolist()} == {(1, 1, 0), (1, 0, 1), (0, 0, 0)}


def test_white_noise_equals_extracted_noise() -> None:
    """Microphone noise has the same spectrum as white noise of that level whose features are extracted."""
    augmentations = (Crop(), MicrophoneNoise(dbfs=(-60, -60)))
    silent = MemorySource(SPEC, ("a",), [np.full((60, 16), SPEC.floor_db, np.float32)], np.array([0]))
    made = Batches(silent, SPEC, augmentations, size=200, seed=1)[0].features
    noise = 1e-3 * np.random.default_rng(5).standard_normal(60 * SPEC.rate_hz).astype(np.float32)
    np.testing.assert_allclose(made.mean(axis=(0, 1)), extract_sequence(noise, SPEC).mean(axis=0), atol=0.5)


def test_batches_are_picklable() -> None:
    sent = pickle.loads(pickle.dumps(make()))
    np.testing.assert_array_equal(sent[4].features, make()[4].features)
