"""The embeddings of real networks, and classifiers on them in one file."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.support.birdnet import installed_birdnet
from tests.support.bundles import write_tone_bundle
from tests.support.embedding_models import write_hidden_layer_bundle
from tests.support.training import SPEC
from tidzam.bundle import FILE_NAMES, Bundle, read_bundle
from tidzam.embeddings import litert_graph, onnx_graph
from tidzam.embeddings.classifier_weights import classifier_weights
from tidzam.embeddings.network import open_embedding_network
from tidzam.errors import BundleError
from tidzam.inference.engines import find_engine
from tidzam.inference.outputs import sigmoid
from tidzam.paths import DEMO_BUNDLES
from tidzam.types import Float32


def noise(bundle: Bundle, windows: int = 2) -> Float32:
    spec = bundle.manifest.input
    low, high = (spec.silence, 0.0) if spec.silence else (-0.1, 0.1)
    return np.random.default_rng(0).uniform(low, high, (windows, *spec.shape)).astype(np.float32)


def test_it_is_what_the_last_layer_takes(tmp_path: Path) -> None:
    bundle = write_hidden_layer_bundle(tmp_path / "levels")
    inputs = noise(bundle)
    with open_embedding_network(bundle) as network:
        found = network.embed(inputs)
    assert found == pytest.approx(np.maximum(inputs.mean(axis=1) / 60 + 1, 0), abs=1e-5)


def test_a_classifier_on_it_is_one_network(tmp_path: Path) -> None:
    bundle = write_hidden_layer_bundle(tmp_path / "levels")
    inputs, weights, biases = noise(bundle), np.eye(SPEC.n_mels, 3, dtype=np.float32), np.array([0, 1, -1], np.float32)
    with open_embedding_network(bundle) as network:
        expected = sigmoid(network.embed(inputs) @ weights + biases)
        network.write_classifier(tmp_path / "whole.onnx", weights, biases)
    found = find_engine("onnx").load(tmp_path / "whole.onnx", threads=1).predict(inputs)
    assert found == pytest.approx(expected, abs=1e-5)


def test_the_demo_selector_gives_512_values() -> None:
    bundle = read_bundle(DEMO_BUNDLES / "selector")
    with open_embedding_network(bundle) as network:
        assert network.embed(noise(bundle, 3)).shape == (3, 512)


def test_the_last_layer_of_the_demo_selector_gives_its_probabilities() -> None:
    import onnx
    from onnx import numpy_helper

    bundle = read_bundle(DEMO_BUNDLES / "selector")
    constants = {one.name: numpy_helper.to_array(one) for one in onnx.load(bundle.file("onnx")).graph.initializer}
    (weights,), (biases,) = (
        [value for name, value in constants.items() if "logits" in name and part in name]
        for part in ("Cast/ReadVariableOp", "BiasAdd")
    )
    (scale,) = (value for name, value in constants.items() if "temperature" in name)
    with open_embedding_network(bundle) as network:
        found = sigmoid((network.embed(noise(bundle)) @ weights + biases) * scale)
    expected = find_engine("onnx").load(bundle.file("onnx"), threads=1).predict(noise(bundle))
    assert found == pytest.approx(expected, abs=1e-5)


def test_birdnet_with_another_last_layer_is_one_network(tmp_path: Path) -> None:
    bundle = installed_birdnet()
    inputs, generator = noise(bundle), np.random.default_rng(1)
    weights, biases = generator.normal(0, 0.3, (1024, 3)).astype(np.float32), np.array([0, 1, -1], np.float32)
    with open_embedding_network(bundle) as network:
        expected = sigmoid(network.embed(inputs) @ weights + biases)
        network.write_classifier(tmp_path / FILE_NAMES["litert"], weights, biases)
    found = find_engine("litert").load(tmp_path / FILE_NAMES["litert"], threads=1).predict(inputs)
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("module", [onnx_graph, litert_graph])
def test_the_weights_of_a_classifier_are_read_back(module: ModuleType, tmp_path: Path) -> None:
    base = write_hidden_layer_bundle(tmp_path / "levels") if module is onnx_graph else installed_birdnet()
    with open_embedding_network(base) as network:
        values = network.embed(noise(base, 1)).shape[1]
        weights, biases = np.eye(values, 2, dtype=np.float32), np.array([0.5, -1], np.float32)
        network.write_classifier(tmp_path / "network", weights, biases)
    found = module.classifier_of((tmp_path / "network").read_bytes())
    assert [one.tolist() for one in found] == [weights.tolist(), biases.tolist()]


def test_another_bundle_has_no_weights_of_a_classifier(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no recognizer"):
        classifier_weights(write_hidden_layer_bundle(tmp_path / "levels"))


def test_a_network_without_weights_is_refused(tmp_path: Path) -> None:
    bundle = write_tone_bundle(tmp_path, "tones", {"a": (440.0,), "b": (880.0,)})
    with pytest.raises(BundleError, match="no embedding"), open_embedding_network(bundle):
        pass
