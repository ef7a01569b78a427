"""`bench summaries`: what summaries for TensorBoard cost, as a share of the time that a training takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.train_fixture import SPEC, new_training_state, noise_batch, run_endless
from tidzam.dataset import Origin
from trainer.evaluation.predictions import Examples
from trainer.loop import StepReport, TrainingState
from trainer.options import STATS_STEP
from trainer.tensorboard.summaries import EXAMPLES, RICH_EVERY, Summaries
from trainer.tensorflow_setup import make_deterministic
from trainer.training_file import TrainingFile

TITLE = "summaries for TensorBoard, as a share of the time that a training takes"

STEPS, LEFT_OUT = 60, 20
"""Steps of the training that are timed, after those that compile and warm up."""
ROUNDS = 4
"""Times that everything is written; the first one, with the graph, is timed by itself."""


def run(say: Callable[[str], None], *, dnn: str = "small", batch: str = "64") -> dict[str, Any]:
    """Measure the network `dnn` with `batch` windows per batch, in a minute."""
    training = TrainingFile(dnn=dnn, batch_size=int(batch))
    make_deterministic(training.seed)
    state = new_training_state(training)
    say(f"{STEPS} steps of {dnn}")
    step_s = _step_s(state, training.batch_size)
    say(f"{ROUNDS * RICH_EVERY} summaries of {EXAMPLES} examples a side")
    with tempfile.TemporaryDirectory(prefix="tidzam-summaries-") as folder:
        took_s = _summaries_s(state, Path(folder))
    rich, light = took_s[RICH_EVERY - 1 :: RICH_EVERY][1:], [s for k, s in enumerate(took_s) if (k + 1) % RICH_EVERY]
    a_cycle_s = (RICH_EVERY - 1) * float(np.median(light)) + float(np.median(rich))
    return {
        "dnn": dnn,
        "batch": training.batch_size,
        "step_ms": round(1000 * step_s, 1),
        "light_ms": round(1000 * float(np.median(light)), 1),
        "rich_ms": round(1000 * float(np.median(rich)), 1),
        "first_ms": round(1000 * took_s[0], 1),
        f"share_every_{STATS_STEP}": round(a_cycle_s / (RICH_EVERY * STATS_STEP * step_s), 4),
        "share_every_10": round(a_cycle_s / (RICH_EVERY * 10 * step_s), 4),
    }


def _step_s(state: TrainingState, size: int) -> float:
    """The median time of a training step."""
    reports = run_endless(state, cycle([noise_batch(size, seed) for seed in range(4)]))
    return float(np.median([size / report.examples_per_s for report in islice(reports, LEFT_OUT, LEFT_OUT + STEPS)]))


def _summaries_s(state: TrainingState, folder: Path) -> list[float]:
    """How long each summary takes; each RICH_EVERY-th is a rich one."""
    examples = [
        Examples(noise_batch(EXAMPLES, seed), tuple(Origin(f"{k}.wav") for k in range(EXAMPLES))) for seed in (1, 2)
    ]
    last, took_s = ROUNDS * RICH_EVERY, []
    summaries = Summaries(
        folder, state, SPEC, train=examples[0], validation=examples[1], last=last + RICH_EVERY, every=1
    )
    with closing(summaries):
        for step in range(1, last + 1):
            report = StepReport(step=step, loss=1.0, learning_rate=1e-3, examples_per_s=1.0, input_wait=0.0)
            began = time.perf_counter()
            summaries.watch(report)
            took_s.append(time.perf_counter() - began)
    return took_s
