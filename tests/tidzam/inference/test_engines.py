"""Both engines keep the same contract, on one bundle that holds both of their files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.bundles import SPEC, tone_manifest, write_tone_bundle
from tests.support.classifiers import SPEC as SMALL
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import FILE_NAMES, Bundle, write_bundle
from tidzam.bundle import Engine as EngineName
from tidzam.errors import BundleError
from tidzam.inference.engines import Engine
from tidzam.inference.loading import load_engine
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(150)

CLASSES = ("birds", "frogs", "rain")


def features(count: int, spec: FeatureSpec = SMALL) -> Float32:
    return np.random.default_rng(count).uniform(-100, 0, (count, *spec.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small network, exported as the trainer does."""
    import keras

    from trainer.export import export

    keras.utils.set_random_seed(1)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input(SMALL.shape),
            layers.Rescaling(0.01),
            layers.Conv1D(4, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.5),
            layers.Dense(len(CLASSES), activation="sigmoid"),
        ]
    )
    manifest = tone_manifest("selector", CLASSES, features=SMALL)
    return export(network, manifest, features(8), tmp_path_factory.mktemp("nn") / "selector")


@pytest.fixture(scope="module", params=["onnx", "keras"])
def engine(bundle: Bundle, request: pytest.FixtureRequest) -> Engine:
    return load_engine(bundle, request.param)


@pytest.mark.parametrize("count", [0, 1, 33])
def test_any_number_of_windows(engine: Engine, count: int) -> None:
    outputs = engine.predict(features(count))
    assert outputs.shape == (count, len(CLASSES)) and outputs.dtype == np.float32
    assert np.all((outputs >= 0) & (outputs <= 1))


def test_windows_do_not_depend_on_their_neighbours(engine: Engine) -> None:
    batch = features(9)
    one_by_one = np.concatenate([engine.predict(window[None]) for window in batch])
    np.testing.assert_allclose(engine.predict(batch), one_by_one, atol=1e-6)


def test_the_same_again(engine: Engine) -> None:
    np.testing.assert_array_equal(engine.predict(features(5)), engine.predict(features(5)))


def test_both_say_the_same(bundle: Bundle) -> None:
    onnx, keras = (load_engine(bundle, name).predict(features(50)) for name in ("onnx", "keras"))
    np.testing.assert_allclose(onnx, keras, atol=1e-5)


@pytest.mark.parametrize("name", ["onnx", "keras"])
def test_a_network_of_another_shape_is_refused(bundle: Bundle, tmp_path: Path, name: EngineName) -> None:
    manifest = tone_manifest("selector", CLASSES, features=SPEC)
    wrong = write_bundle(tmp_path / "selector", manifest, {name: bundle.file(name)})
    with pytest.raises(BundleError) as caught:
        load_engine(wrong, name)
    assert caught.value.code == "bundle_features"


@pytest.mark.parametrize("name", ["onnx", "keras"])
def test_a_network_of_other_classes_is_refused(bundle: Bundle, tmp_path: Path, name: EngineName) -> None:
    manifest = tone_manifest("selector", CLASSES[:2], features=SMALL)
    wrong = write_bundle(tmp_path / "selector", manifest, {name: bundle.file(name)})
    with pytest.raises(BundleError) as caught:
        load_engine(wrong, name)
    assert caught.value.code == "bundle_classes" and "3" in caught.value.message


@pytest.mark.parametrize("name", ["onnx", "keras"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, name: EngineName) -> None:
    nonsense = tmp_path / FILE_NAMES[name]
    nonsense.write_bytes(b"nonsense")
    wrong = write_bundle(tmp_path / "selector", tone_manifest("selector", CLASSES, features=SMALL), {name: nonsense})
    with pytest.raises(BundleError) as caught:
        load_engine(wrong, name)
    assert caught.value.code == "bundle_engine" and "\n" not in caught.value.message


def test_an_engine_that_the_bundle_lacks(tmp_path: Path) -> None:
    bundle = write_tone_bundle(tmp_path, "selector", {"rain": (500.0,)})
    with pytest.raises(BundleError, match="has no keras file"):
        load_engine(bundle, "keras")


def keras_bundle(folder: Path, *layers: Any) -> Bundle:
    """A bundle whose network is made of `layers`."""
    import keras

    keras.Sequential([keras.Input(SMALL.shape), *layers]).save(folder / "model.keras")
    manifest = tone_manifest("selector", CLASSES, features=SMALL)
    return write_bundle(folder / "selector", manifest, {"keras": folder / "model.keras"})


def test_a_keras_network_whose_outputs_are_no_probabilities_is_refused(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    pooled = layers.GlobalAveragePooling1D(), layers.Dense(len(CLASSES)), layers.Rescaling(0, offset=1e30)
    with pytest.raises(BundleError) as caught:
        load_engine(keras_bundle(tmp_path, *pooled), "keras")
    assert caught.value.code == "bundle_outputs" and "1e+30" in caught.value.message


def test_a_keras_network_that_allocates_gigabytes_is_refused(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    large = layers.Flatten(), layers.RepeatVector(10**8), layers.GlobalAveragePooling1D(), layers.Dense(len(CLASSES))
    with pytest.raises(BundleError) as caught:
        load_engine(keras_bundle(tmp_path, *large), "keras")
    assert caught.value.code == "bundle_engine" and "memory" in caught.value.message
