"""One step of training: its cost, its updates, and its devices."""

import subprocess
import sys

import numpy as np
import pytest

from trainer.data.source import Batch
from trainer.export import classifier
from trainer.heads import Head
from trainer.loop import StepReport, TrainingState, run_local
from trainer.models import ensemble_of, find_model
from trainer.tensorflow_setup import make_deterministic
from trainer.training_file import Optimizer

pytestmark = pytest.mark.timeout(120)

RNG = np.random.default_rng(1)
ONE_HEAD = (Head("x", ("a", "b", "c")),)
TWO_HEADS = (Head("selector", ("a", "b")), Head("a", ("p", "q"), start=2, always=False))


def new_state(
    heads: tuple[Head, ...] = ONE_HEAD, *, activation: str = "sigmoid", iterations: int = 20, **recipe: float
) -> TrainingState:
    make_deterministic(1)
    return TrainingState.create(
        find_model("small"),
        (24, 8),
        heads=heads,
        activation=activation,  # type: ignore[arg-type]
        recipe=Optimizer.model_validate(recipe),
        iterations=iterations,
    )


def batches(n: int, outputs: int = 3) -> list[Batch]:
    targets = np.eye(outputs, dtype=np.float32)[RNG.integers(outputs, size=(n, 8))]
    return [Batch(RNG.uniform(-90, -10, (8, 24, 8)).astype(np.float32), one) for one in targets]


def run(state: TrainingState, supply: list[Batch], iterations: int = 20) -> list[StepReport]:
    import tensorflow as tf

    here = tf.distribute.get_strategy()
    return list(run_local(state, supply, supply[0], strategy=here, iterations=iterations, testing_step=8))


def cost(state: TrainingState, targets: list[list[float]], logits: list[list[float]]) -> list[float]:
    import tensorflow as tf

    return [float(one) for one in state.cost(tf.constant(targets, tf.float32), tf.constant(logits))]


def test_the_cost_is_cross_entropy() -> None:
    logits = [[2.0, -1.0, 0.5]]
    sigmoid = 1 / (1 + np.exp(-np.array(logits[0])))
    by_hand = -(np.log(sigmoid[0]) + np.log(1 - sigmoid[1]) + np.log(1 - sigmoid[2])) / 3
    assert cost(new_state(), [[1, 0, 0]], logits)[0] == pytest.approx(by_hand, rel=1e-5)
    softmax = np.exp(logits[0]) / np.exp(logits[0]).sum()
    one_of = new_state(activation="softmax")
    assert cost(one_of, [[0, 0, 1]], logits)[0] == pytest.approx(-np.log(softmax[2]), rel=1e-5)
    smooth = new_state(activation="softmax", label_smoothing=0.3)
    expected = -np.sum(np.array([0.1, 0.1, 0.8]) * np.log(softmax))
    assert cost(smooth, [[0, 0, 1]], logits)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_an_expert_learns_only_from_its_own_classes(activation: str) -> None:
    tree = new_state(TWO_HEADS, activation=activation)
    asked, other = [1.0, 0, 0, 1], [0.0, 1, 0, 0]
    near, far = [1.0, -1, -3, 3], [1.0, -1, 3, -3]
    assert cost(tree, [other], [near]) == pytest.approx(cost(tree, [other], [far]))
    assert cost(tree, [asked], [near])[0] < cost(tree, [asked], [far])[0]


def test_the_members_of_an_ensemble_learn_separately_and_predict_their_mean() -> None:
    make_deterministic(1)
    both = TrainingState.create(
        ensemble_of(find_model("small"), 2),
        (24, 8),
        heads=ONE_HEAD,
        activation="softmax",
        recipe=Optimizer(learning_rate=0.01),
        iterations=20,
        members=2,
    )
    near, far = [3.0, 0, 0], [0.0, 0, 3]
    together = cost(both, [[1, 0, 0]], [near + far])
    assert together == pytest.approx([(cost(both, [[1, 0, 0]], [near])[0] + cost(both, [[1, 0, 0]], [far])[0]) / 2])
    supply = [batches(1)[0]] * 20
    assert run(both, supply)[-1].loss < 0.8
    features = supply[0].features
    each = np.asarray(both.model(features, training=False)).reshape(8, 2, 3)
    assert np.abs(each[:, 0] - each[:, 1]).max() > 0.01
    np.testing.assert_allclose(both.logits(features), each.mean(axis=1), atol=1e-5)
    exported = classifier(both.model, ONE_HEAD[0], outputs=3, activation="softmax", temperature=2.0)
    expected = np.exp(each.mean(axis=1) / 2)
    np.testing.assert_allclose(
        np.asarray(exported(features)), expected / expected.sum(axis=1, keepdims=True), atol=1e-5
    )


def test_it_learns_and_reports_each_step() -> None:
    supply = [batches(1)[0]] * 20
    learner = new_state(learning_rate=0.01)
    reports = run(learner, supply)
    assert [report.step for report in reports] == list(range(1, 21))
    assert learner.done == 20
    assert reports[-1].loss < 0.7 * reports[0].loss
    assert [report.step for report in reports if report.test_loss is not None] == [8, 16, 20]
    assert all(report.examples_per_s > 0 and 0 <= report.input_wait <= 1 for report in reports)


def test_the_learning_rate_warms_up_and_follows_a_cosine() -> None:
    rates = [one.learning_rate for one in run(new_state(learning_rate=0.1, warm_up=0.2), batches(20))]
    np.testing.assert_allclose(rates[:4], [0.025, 0.05, 0.075, 0.1], rtol=1e-5)
    np.testing.assert_allclose(rates[4:], [0.05 * (1 + np.cos(np.pi * k / 16)) for k in range(16)], rtol=1e-4)


def test_the_averaged_weights_replace_the_last_ones() -> None:
    averaged, last = new_state(ema=0.9, learning_rate=0.05), new_state(learning_rate=0.05)
    supply = batches(20)
    run(averaged, supply), run(last, supply)
    before = averaged.model.get_weights()
    np.testing.assert_array_equal(before[0], last.model.get_weights()[0])
    averaged.finish()
    last.finish()
    assert not np.array_equal(averaged.model.get_weights()[0], before[0])
    np.testing.assert_array_equal(last.model.get_weights()[0], before[0])


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    from tidzam.errors import DatasetError

    broken = batches(3)
    broken[1].features[0, 0, 0] = np.nan
    with pytest.raises(DatasetError, match="The loss is nan after 2 steps"):
        run(new_state(), broken)


TWO_DEVICES = """
import numpy as np, tensorflow as tf
from tests.trainer import test_loop as here

def plain(shape, outputs):
    import keras
    x = keras.Input(shape)
    y = keras.layers.Dense(5, activation="tanh")(keras.layers.Flatten()(keras.layers.Rescaling(0.02, 1.0)(x)))
    return keras.Model(x, keras.layers.Dense(outputs)(y))

two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
supply = here.batches(5)

def train(strategy):
    here.make_deterministic(1)
    recipe = here.Optimizer(ema=0.5, learning_rate=0.05)
    with strategy.scope():
        state = here.TrainingState.create(
            plain, (24, 8), heads=here.ONE_HEAD, activation="sigmoid", recipe=recipe, iterations=5
        )
    reports = list(here.run_local(state, supply, supply[0], strategy=strategy, iterations=5, testing_step=5))
    state.finish()
    assert state.done == 5
    return state.model.get_weights(), [report.loss for report in reports]

weights, losses = train(tf.distribute.get_strategy())
mirrored, their_losses = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
np.testing.assert_allclose(losses, their_losses, rtol=1e-5)
for one, other in zip(weights, mirrored):
    np.testing.assert_allclose(one, other, atol=1e-5)
"""


def test_two_devices_learn_the_same_weights_as_one() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
