"""The contract of `Engine`, which every registered engine passes, on one bundle that holds every file format."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.bundles import SPEC, tone_manifest, write_tone_bundle
from tests.support.classifiers import SPEC as SMALL
from tests.support.waveform_models import write_litert
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import FILE_NAMES, Bundle, NetworkFormat, find_bundles, read_bundle, write_bundle
from tidzam.config.inference import ENGINES
from tidzam.errors import BundleError, ConfigError
from tidzam.inference.batches import NetworkInBatches
from tidzam.inference.engines import ALL_CORES, Network, find_engine, library_version
from tidzam.inference.loading import load_network, load_networks
from tidzam.paths import DEMO_BUNDLES
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
    folder = tmp_path_factory.mktemp("nn")
    exported = export(network, manifest, features(8), folder / "exported")
    files: dict[NetworkFormat, Path] = {name: exported.file(name) for name in exported.manifest.files}
    files["litert"] = write_litert(folder / "model.tflite", network)
    return write_bundle(folder / "selector", manifest, files)


@pytest.fixture(scope="module", params=ENGINES.names())
def network(bundle: Bundle, request: pytest.FixtureRequest) -> Network:
    return load_network(bundle, request.param)


@pytest.mark.parametrize("count", [0, 1, 33])
def test_any_number_of_windows(network: Network, count: int) -> None:
    outputs = network.predict(features(count))
    assert outputs.shape == (count, len(CLASSES))
    assert outputs.dtype == np.float32
    assert np.all((outputs >= 0) & (outputs <= 1))


def test_windows_do_not_depend_on_their_neighbors(network: Network) -> None:
    batch = features(9)
    one_by_one = np.concatenate([network.predict(window[None]) for window in batch])
    np.testing.assert_allclose(network.predict(batch), one_by_one, atol=1e-6)


def test_the_same_again(network: Network) -> None:
    np.testing.assert_array_equal(network.predict(features(5)), network.predict(features(5)))


@pytest.mark.parametrize("name", ["keras", "litert"])
def test_all_engines_give_the_same_probabilities(bundle: Bundle, name: str) -> None:
    onnx, other = (load_network(bundle, engine).predict(features(50)) for engine in ("onnx", name))
    np.testing.assert_allclose(onnx, other, atol=1e-5)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """The demo's bundles, with LiteRT files made of their Keras files, so that every engine can run them."""
    import keras

    bundles = []
    for source in map(read_bundle, find_bundles(DEMO_BUNDLES)):
        folder = tmp_path_factory.mktemp("shipped")
        model = keras.models.load_model(source.file("keras"), compile=False)
        files: dict[NetworkFormat, Path] = {name: source.file(name) for name in source.manifest.files}
        files["litert"] = write_litert(folder / "model.tflite", model)
        bundles.append(write_bundle(folder / source.name, source.manifest, files))
    return bundles


def test_any_two_engines_give_the_same_probabilities_of_every_shipped_bundle(shipped: list[Bundle]) -> None:
    networks = {engine: load_networks(shipped, engine) for engine in ENGINES.built_in}
    for number, bundle in enumerate(shipped):
        inputs = features(50, bundle.manifest.feature_spec)
        found = {engine: loaded[number].predict(inputs) for engine, loaded in networks.items()}
        for one, other in combinations(found, 2):
            assert np.abs(found[one] - found[other]).max() < 1e-4, (bundle.name, one, other)


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_the_number_of_windows_at_once_does_not_change_the_result(network: Network, batch: int) -> None:
    parts = NetworkInBatches(network, batch)
    assert parts.input_shape == network.input_shape
    for count in (0, 1, 16, 17):
        np.testing.assert_allclose(parts.predict(features(count)), network.predict(features(count)), atol=1e-6)


@pytest.mark.parametrize("name", ENGINES.names())
def test_an_engine_that_is_installed_has_a_version(name: str) -> None:
    assert re.fullmatch(r"\S+ \d+\..*", library_version(find_engine(name)) or "")


@pytest.mark.parametrize("file_format", ["keras", "litert"])
def test_the_default_engine_gives_way_to_that_of_the_file(
    bundle: Bundle, tmp_path: Path, file_format: NetworkFormat
) -> None:
    only = write_bundle(tmp_path / "selector", bundle.manifest, {file_format: bundle.file(file_format)})
    outputs = load_network(only).predict(features(3))
    np.testing.assert_allclose(outputs, load_network(bundle).predict(features(3)), atol=1e-5)


def test_threads_that_call_at_the_same_time_get_their_own_results(bundle: Bundle) -> None:
    network = load_network(bundle, "litert")
    batches = [features(count) for count in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(network.predict, batches * 4))
    for outputs, batch in zip(found, batches * 4, strict=True):
        np.testing.assert_array_equal(outputs, network.predict(batch))


@pytest.mark.parametrize("name", ENGINES.names())
def test_a_network_of_another_shape_is_refused(bundle: Bundle, tmp_path: Path, name: str) -> None:
    manifest = tone_manifest("selector", CLASSES, features=SPEC)
    wrong = write_bundle(
        tmp_path / "selector", manifest, {find_engine(name).file_format: bundle.file(find_engine(name).file_format)}
    )
    with pytest.raises(BundleError) as caught:
        load_network(wrong, name)
    assert caught.value.code == "bundle_features"


@pytest.mark.parametrize("name", ENGINES.names())
def test_a_network_of_other_classes_is_refused(bundle: Bundle, tmp_path: Path, name: str) -> None:
    manifest = tone_manifest("selector", CLASSES[:2], features=SMALL)
    wrong = write_bundle(
        tmp_path / "selector", manifest, {find_engine(name).file_format: bundle.file(find_engine(name).file_format)}
    )
    with pytest.raises(BundleError) as caught:
        load_network(wrong, name)
    assert caught.value.code == "bundle_classes"
    assert "3" in caught.value.message


@pytest.mark.parametrize("name", ENGINES.names())
def test_a_file_that_is_not_a_network_is_refused(tmp_path: Path, name: str) -> None:
    file_format = find_engine(name).file_format
    nonsense = tmp_path / FILE_NAMES[file_format]
    nonsense.write_bytes(b"nonsense")
    manifest = tone_manifest("selector", CLASSES, features=SMALL)
    wrong = write_bundle(tmp_path / "selector", manifest, {file_format: nonsense})
    with pytest.raises(BundleError) as caught:
        load_network(wrong, name)
    assert caught.value.code == "bundle_engine"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ENGINES.names())
def test_the_number_of_threads_does_not_change_the_result(bundle: Bundle, name: str) -> None:
    one, all_of_them = (load_network(bundle, name, threads=threads).predict(features(40)) for threads in (1, ALL_CORES))
    np.testing.assert_allclose(one, all_of_them, atol=1e-6)


def test_an_unknown_engine_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="There is no engine 'onxx'") as caught:
        load_network(bundle, "onxx")
    assert "Did you mean 'onnx'?" in (caught.value.hint or "")


def test_an_engine_that_the_bundle_lacks(tmp_path: Path) -> None:
    bundle = write_tone_bundle(tmp_path, "selector", {"rain": (500.0,)})
    with pytest.raises(BundleError, match="has no keras file"):
        load_network(bundle, "keras")


def keras_bundle(folder: Path, *layers: Any) -> Bundle:
    """A bundle whose network is made of `layers`."""
    import keras

    keras.Sequential([keras.Input(SMALL.shape), *layers]).save(folder / "model.keras")
    manifest = tone_manifest("selector", CLASSES, features=SMALL)
    return write_bundle(folder / "selector", manifest, {"keras": folder / "model.keras"})


def test_a_keras_network_with_invalid_probabilities_is_refused(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    pooled = layers.GlobalAveragePooling1D(), layers.Dense(len(CLASSES)), layers.Rescaling(0, offset=1e30)
    with pytest.raises(BundleError) as caught:
        load_network(keras_bundle(tmp_path, *pooled), "keras")
    assert caught.value.code == "bundle_outputs"
    assert "1e+30" in caught.value.message


def test_a_keras_network_that_allocates_gigabytes_is_refused(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    large = layers.Flatten(), layers.RepeatVector(10**8), layers.GlobalAveragePooling1D(), layers.Dense(len(CLASSES))
    with pytest.raises(BundleError) as caught:
        load_network(keras_bundle(tmp_path, *large), "keras")
    assert caught.value.code == "bundle_engine"
    assert "memory" in caught.value.message
