"""`bench train`: the trainer against a bare loop on data in memory: same network, same batches, same machine.

The loops take turns, a few steps each, so that other load on the machine slows all of them alike. Figures are
medians over the rounds.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks import harness
from benchmarks.train_fixture import CLASSES, ENDLESS, SPEC, new_training_state, noise_batch, run_endless
from tests.support.ports import free_port
from tidzam.clips import find_clips
from tidzam.dataset import DatasetWriter, Draft, Origin, open_dataset
from tidzam.errors import NodeError
from tidzam.labels import LabelTree
from tidzam.progress import Say
from trainer.data.batches import Batches
from trainer.data.compiled import CompiledSource
from trainer.data.folders import FolderSource, scan
from trainer.data.source import Batch, TrainingSource
from trainer.data.workers import prefetch
from trainer.models import find_model
from trainer.tensorflow_setup import make_deterministic
from trainer.training_file import TrainingFile

TITLE = "training as a share of a bare loop on data in memory, waiting for input, input made on the fly"


SAMPLES = 8000
"""Samples of the compiled dataset: 170 MB."""
CLIPS, CLIP_S = 20, 20.0
"""Files of each class, and how long each is."""
ROUNDS, STEPS, LEFT_OUT = 7, 60, 10
"""Steps of each loop per round; the first ones only consume what was prefetched during the turns of the others."""
COMMAND_STEPS = 400
START_S = 180.0


def run(say: Say, *, dnn: str = "small", batch: str = "64") -> dict[str, Any]:
    """Measure the network `dnn` with `batch` windows per batch, in a few minutes."""
    training = TrainingFile(dnn=dnn, batch_size=int(batch))
    make_deterministic(training.seed)
    with tempfile.TemporaryDirectory(prefix="tidzam-train-") as temporary, ExitStack() as stack:
        say("making a compiled dataset and audio folders")
        compiled, folders = _compiled(Path(temporary) / "dataset"), _folders(Path(temporary) / "sound")
        loops: dict[str, Iterator[float]] = {
            "bare": _bare(training),
            "in_memory": _trainer(training, cycle(_memory(training))),
        }
        for name, source in (("compiled", compiled), ("folders", folders)):
            supply = stack.enter_context(closing(prefetch(_batches(training, source), 0, ENDLESS, processes=1)))
            loops[name] = _trainer(training, supply)
        took_s, cpu_s, waits = _take_turns(loops, say)
        alone = {
            f"{name}_input_alone_examples_per_s": _input_alone(training, source)
            for name, source in (("compiled", compiled), ("folders", folders))
        }
        say("1 parameter server and 2 workers, by their commands")
        together = _by_command(training, Path(temporary) / "dataset", Path(temporary))
    return {
        "dnn": dnn,
        "batch": training.batch_size,
        **_figures(took_s, cpu_s, waits, training.batch_size),
        **alone,
        **together,
    }


def _figures(
    took_s: dict[str, list[float]], cpu_s: dict[str, list[float]], waits: dict[str, float], batch: int
) -> dict[str, Any]:
    """`…_cpu_share_of_bare` compares processor time of this process: it is meaningful on a busy machine too."""
    bare, bare_cpu = np.array(took_s["bare"]), np.array(cpu_s["bare"])
    figures: dict[str, Any] = {}
    for name, seconds in took_s.items():
        figures[f"{name}_examples_per_s"] = round(float(np.median(batch / np.array(seconds))), 1)
        if name != "bare":
            figures[f"{name}_share_of_bare"] = round(float(np.median(bare / np.array(seconds))), 4)
            figures[f"{name}_cpu_share_of_bare"] = round(float(np.median(bare_cpu / np.array(cpu_s[name]))), 4)
            figures[f"{name}_input_wait"] = round(waits[name], 4)
    return figures


Rounds = dict[str, list[float]]
"""A figure per round of each loop."""


def _take_turns(loops: dict[str, Iterator[float]], say: Say) -> tuple[Rounds, Rounds, dict[str, float]]:
    """Seconds per step, processor time per step in seconds, and the share of its time that each waited for batches."""
    took_s: Rounds = {name: [] for name in loops}
    cpu_s: Rounds = {name: [] for name in loops}
    waited_s = dict.fromkeys(loops, 0.0)
    for number in range(ROUNDS + 1):
        if number == 1:
            say(f"{ROUNDS} rounds of {STEPS} steps")
        for name, loop in loops.items():
            for _ in islice(loop, LEFT_OUT):
                pass
            began, cpu_began = time.perf_counter(), time.process_time()
            waited = sum(islice(loop, STEPS - LEFT_OUT))
            took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
            if number:  # the first round compiles, and fills caches
                took_s[name].append(took / (STEPS - LEFT_OUT))
                cpu_s[name].append(cpu / (STEPS - LEFT_OUT))
                waited_s[name] += waited
    steps = STEPS - LEFT_OUT
    return took_s, cpu_s, {name: waited_s[name] / (steps * sum(took_s[name])) for name in loops}


def _bare(training: TrainingFile) -> Iterator[float]:
    """The least that trains: a tf.function of a forward and a backward pass, and its loss. Yields no waiting."""
    import keras
    import tensorflow as tf

    model = find_model(training.dnn)(SPEC.shape, len(CLASSES))
    optimizer = keras.optimizers.AdamW(training.optimizer.learning_rate, weight_decay=training.optimizer.weight_decay)
    optimizer.build(model.trainable_variables)

    @tf.function  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step(features: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(features, training=True)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    batches = [(tf.constant(features), tf.constant(targets)) for features, targets in _memory(training)]
    for batch in cycle(batches):
        float(step(*batch))
        yield 0.0


def _trainer(training: TrainingFile, supply: Iterator[Batch]) -> Iterator[float]:
    """The trainer's own loop. Yields the seconds that each step waited for its batch."""
    reports = run_endless(new_training_state(training), supply)
    return (report.input_wait * training.batch_size / report.examples_per_s for report in reports)


def _memory(training: TrainingFile) -> list[Batch]:
    return [noise_batch(training.batch_size, seed) for seed in range(8)]


def _batches(training: TrainingFile, source: TrainingSource) -> Batches:
    """With all of the default augmentation."""
    return Batches(source, SPEC, training.augmentations, size=training.batch_size, seed=training.seed)


def _input_alone(training: TrainingFile, source: TrainingSource) -> float:
    """Examples per second of two processes that make batches, with nothing else to do, from their second batch on."""
    count = 40
    with closing(prefetch(_batches(training, source), 0, count, processes=2)) as supply:
        next(supply)
        began = time.perf_counter()
        made = sum(len(batch.features) for batch in supply)
        return round(made / (time.perf_counter() - began), 1)


def _by_command(training: TrainingFile, dataset: Path, work: Path) -> dict[str, float]:
    """Examples per second of `python -m trainer` alone, and of a parameter server with two workers on this machine."""
    ps, *workers = (f"127.0.0.1:{free_port()}" for _ in range(3))
    members = ["--ps", ps, "--workers", ",".join(workers)]
    alone = _rate(training, dataset, work / "alone", [[]], wait_for=())
    cluster = _rate(
        training,
        dataset,
        work / "cluster",
        [
            [*members, "--job-type", "worker", "--task-index", "0"],
            [*members, "--job-type", "worker", "--task-index", "1"],
            [*members, "--job-type", "ps", "--task-index", "0"],
        ],
        wait_for=(ps, workers[1]),
    )
    return {
        "command_examples_per_s": round(alone, 1),
        "cluster_examples_per_s": round(cluster, 1),
        "cluster_share_of_command": round(cluster / alone, 4),
    }


def _rate(
    training: TrainingFile, dataset: Path, out: Path, processes: list[list[str]], *, wait_for: Sequence[str]
) -> float:
    """Examples per second between the lines that the first of `processes` writes at a tenth and at the end.

    It is started when the others answer at the addresses in `wait_for`.
    """
    argv = [sys.executable, "-m", "trainer", "-d", str(dataset), "-o", str(out), "--stats-step", "0"]
    argv += ["--dnn", training.dnn, "--batchsize", str(training.batch_size), "--testing-step", "1000000"]
    argv += ["--training-iterations", str(COMMAND_STEPS), "--checkpoint-step", "1000000"]
    with ExitStack() as stack:
        for more in processes[1:]:
            stack.enter_context(_running([*argv, *more], subprocess.DEVNULL))
        for address in wait_for:
            harness.wait_for(partial(_answers, address), f"Nothing answers at {address}.", within_s=START_S)
        first = stack.enter_context(_running([*argv, *processes[0]], subprocess.PIPE))
        assert first.stderr is not None
        times_s, output = [], ""
        for line in first.stderr:
            output += line
            if line.startswith("step "):
                times_s.append(time.perf_counter())
        if first.wait() or len(times_s) < 2:
            raise NodeError(f"The trainer ended with {first.returncode}: {output[-500:]}", code="training")
    return training.batch_size * COMMAND_STEPS * (1 - 1 / len(times_s)) / (times_s[-1] - times_s[0])


@contextmanager
def _running(argv: list[str], stderr: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=stderr, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _answers(address: str) -> bool:
    host, _, port = address.partition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


def _compiled(folder: Path) -> CompiledSource:
    rng = np.random.default_rng(2)
    draft = Draft(name="bench", spec=SPEC, classes=CLASSES, labels=LabelTree.flat(CLASSES))
    with DatasetWriter(folder, draft) as writer:
        for number in range(SAMPLES):
            features = rng.uniform(-90, -20, SPEC.shape).astype(np.float32)
            writer.add(features, number % len(CLASSES), Origin(f"{number}.wav", group=str(number)))
        writer.finish(provenance={})
    return CompiledSource(open_dataset(folder), CLASSES)


def _folders(folder: Path) -> FolderSource:
    """Files in FLAC at 44.1 kHz: each is decoded and resampled before features are made of it."""
    rng = np.random.default_rng(3)
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
        for number in range(CLIPS):
            sound = 0.1 * rng.standard_normal(int(CLIP_S * 44100)).astype(np.float32)
            soundfile.write(folder / label / f"{label}{number}.flac", sound, 44100)
    return FolderSource(scan(find_clips(folder)).segments, CLASSES, SPEC)
