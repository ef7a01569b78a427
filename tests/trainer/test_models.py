"""Networks, by name and by path, and messages about broken ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidzam.errors import ConfigError
from trainer.models import MODELS, find_model
from trainer.tensorflow_setup import make_deterministic

SHAPE = (40, 16)
FEATURES = np.random.default_rng(1).uniform(-90, -10, (2, *SHAPE)).astype(np.float32)


def seeded(name: str, seed: int) -> Any:
    make_deterministic(seed, every_operation=False)
    return find_model(name)(SHAPE, 3)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", MODELS.names())
class TestContract:
    """What every architecture promises (`trainer.models.BuildModel`)."""

    def test_it_maps_features_to_one_output_per_class(self, name: str) -> None:
        model = find_model(name)(SHAPE, 3)
        assert np.asarray(model(FEATURES)).shape == (2, 3)

    def test_its_outputs_are_logits(self, name: str) -> None:
        networks = [seeded(name, seed) for seed in range(5)]
        logits = np.stack([np.asarray(model(FEATURES)) for model in networks])
        assert logits.min() < 0

    def test_the_same_seed_gives_the_same_weights(self, name: str) -> None:
        for one, other in zip(seeded(name, 1).get_weights(), seeded(name, 1).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)

    def test_it_can_be_built_for_any_number_of_classes(self, name: str) -> None:
        assert [find_model(name)(SHAPE, count).output_shape for count in (1, 7)] == [(None, 1), (None, 7)]


@pytest.mark.parametrize("name", MODELS.built_in)
def test_features_are_scaled_before_they_get_an_axis_of_size_one(name: str) -> None:
    kinds = [type(layer).__name__ for layer in find_model(name)((83, 64), 3).layers]
    assert kinds.index("Rescaling") < kinds.index("Reshape")  # after it, ONNX Runtime takes ten times as long


def test_the_names_of_the_built_in_networks() -> None:
    assert {"small", "residual", "tidzam2019"} <= set(MODELS.names())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("old_name", [False, True])
def test_tidzam2019_has_two_large_convolutions_and_dense_layers(old_name: bool) -> None:
    model = find_model("original" if old_name else "tidzam2019")((83, 64), 3)
    shapes = [tuple(weight.shape) for weight in model.trainable_weights if len(weight.shape) > 1]
    assert shapes[:2] == [(20, 20, 1, 121), (10, 10, 121, 16)]
    assert [shape[1] for shape in shapes[2:]] == [1024, 1024, 3]


MINE = """
import keras

def build(input_shape, n_classes, width=4):
    features = keras.Input(input_shape)
    x = keras.layers.Dense(width)(keras.layers.Flatten()(features))
    return keras.Model(features, keras.layers.Dense(n_classes)(x))
"""


@pytest.mark.timeout(60)
def test_a_network_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MINE)
    model = find_model(str(tmp_path / "model.py"), {"width": 7})(SHAPE, 3)
    assert model.output_shape == (None, 3)
    assert model.layers[2].units == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no network"),
        ("def bild(): pass", "defines no function build"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("def build(input_shape): pass", "cannot be built: too many positional"),
        ("def build(a, b): return 3", "returns int, expected keras.Model"),
        ("def build(a, b): raise ValueError('no')", "cannot be built: ValueError: no"),
        (MINE.replace("Dense(n_classes)", "Dense(n_classes + 1)"), r"maps .* to \(None, 4\), expected"),
    ],
)
def test_a_broken_file_is_reported(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "model.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        find_model(str(path))(SHAPE, 3)


def test_an_unknown_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unexpected keyword argument 'depth'"):
        find_model("small", {"depth": 3})
