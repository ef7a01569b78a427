"""What the trainer's benchmarks have in common."""

from itertools import islice, repeat

import pytest

from benchmarks.train_fixture import CLASSES, SPEC, new_training_state, noise_batch, run_endless
from trainer.tensorflow_setup import make_deterministic
from trainer.training_file import TrainingFile


@pytest.mark.timeout(120)
def test_it_trains_for_as_long_as_reports_are_taken() -> None:
    make_deterministic(0)
    state, batch = new_training_state(TrainingFile()), noise_batch(4, 1)
    assert batch.features.shape == (4, *SPEC.shape)
    assert state.outputs == batch.targets.shape[1] == len(CLASSES)
    assert [report.step for report in islice(run_endless(state, repeat(batch)), 3)] == [1, 2, 3]
    assert state.done == 3
