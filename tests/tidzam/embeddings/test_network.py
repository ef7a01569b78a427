"""The embeddings of real networks, and classifiers on them in one file."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from tests.support.birdnet import installed_birdnet
from tests.support.bundles import write_tone_bundle
from tests.support.embedding_models import write_hidden_layer_bundle
from tests.support.training import SPEC
from tidzam.bundle import FILE_NAMES, Bundle, read_bundle, write_bundle
from tidzam.embeddings.network import EditableFormat, open_embedding_network, read_recognizer_layer
from tidzam.embeddings.recognizer_layer import RecognizerLayer
from tidzam.errors import BundleError
from tidzam.inference.engines import find_engine
from tidzam.inference.outputs import sigmoid
from tidzam.labels import LabelTree
from tidzam.paths import DEMO_BUNDLES
from tidzam.types import Float32


def noise(bundle: Bundle, windows: int = 2) -> Float32:
    spec = bundle.manifest.input
    low, high = (spec.silence, 0.0) if spec.silence else (-0.1, 0.1)
    return np.random.default_rng(0).uniform(low, high, (windows, *spec.shape)).astype(np.float32)


def layer_for(values: int) -> RecognizerLayer:
    """A layer of two tags."""
    generator = np.random.default_rng(1)
    shapes = {"weights": (values, 2), "biases": (2,), "axes": (values, 5), "curvatures": (5, 2)}
    return RecognizerLayer(**{name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()})


def test_it_is_what_the_last_layer_takes(tmp_path: Path) -> None:
    bundle = write_hidden_layer_bundle(tmp_path / "levels")
    inputs = noise(bundle)
    with open_embedding_network(bundle) as network:
        found = network.embed(inputs)
    assert found == pytest.approx(np.maximum(inputs.mean(axis=1) / 60 + 1, 0), abs=1e-5)


def test_a_recognizer_on_it_is_one_network(tmp_path: Path) -> None:
    bundle = write_hidden_layer_bundle(tmp_path / "levels")
    inputs, layer = noise(bundle), layer_for(SPEC.n_mels)
    with open_embedding_network(bundle) as network:
        expected = layer.probabilities(network.embed(inputs))
        network.write_recognizer(tmp_path / "whole.onnx", layer)
    found = find_engine("onnx").load(tmp_path / "whole.onnx", threads=1).predict(inputs)
    assert found == pytest.approx(expected, abs=1e-5)


def test_silence_without_any_embedding_is_recognized_as_in_training(tmp_path: Path) -> None:
    bundle = write_hidden_layer_bundle(tmp_path / "levels")
    inputs, layer = np.full((1, *bundle.manifest.input.shape), -80.0, np.float32), layer_for(SPEC.n_mels)
    with open_embedding_network(bundle) as network:
        assert not network.embed(inputs).any()
        network.write_recognizer(tmp_path / "whole.onnx", layer)
    found = find_engine("onnx").load(tmp_path / "whole.onnx", threads=1).predict(inputs)
    assert found == pytest.approx(sigmoid(layer.biases[np.newaxis]), abs=1e-6)


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
    inputs, layer = noise(bundle), layer_for(1024)
    with open_embedding_network(bundle) as network:
        expected = layer.probabilities(network.embed(inputs))
        network.write_recognizer(tmp_path / FILE_NAMES["litert"], layer)
    found = find_engine("litert").load(tmp_path / FILE_NAMES["litert"], threads=1).predict(inputs)
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("file_format", "is_scaled"),
    [("onnx", True), ("onnx", False), ("litert", True)],
    ids=["onnx", "of an earlier version", "litert"],
)
def test_the_layer_of_a_recognizer_is_read_back(file_format: EditableFormat, is_scaled: bool, tmp_path: Path) -> None:
    base = write_hidden_layer_bundle(tmp_path / "levels") if file_format == "onnx" else installed_birdnet()
    with open_embedding_network(base) as network:
        layer = layer_for(network.embed(noise(base, 1)).shape[1])
        layer = layer if is_scaled else RecognizerLayer(layer.weights, layer.biases)
        network.write_recognizer(tmp_path / FILE_NAMES[file_format], layer)
    manifest = base.manifest.model_copy(update={"classes": ("a", "b"), "labels": LabelTree.flat(("a", "b"))})
    written = write_bundle(tmp_path / "written", manifest, {file_format: tmp_path / FILE_NAMES[file_format]})
    found = asdict(read_recognizer_layer(written))
    expected = asdict(layer)
    assert {name: None if one is None else one.tolist() for name, one in found.items()} == {
        name: None if one is None else one.tolist() for name, one in expected.items()
    }


def test_another_bundle_has_no_weights_of_a_classifier(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no recognizer"):
        read_recognizer_layer(write_hidden_layer_bundle(tmp_path / "levels"))


def test_a_network_without_weights_is_refused(tmp_path: Path) -> None:
    bundle = write_tone_bundle(tmp_path, "tones", {"a": (440.0,), "b": (880.0,)})
    with pytest.raises(BundleError, match="no embedding"), open_embedding_network(bundle):
        pass
