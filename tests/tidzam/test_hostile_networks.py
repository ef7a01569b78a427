"""Networks from anywhere: each fault is refused with its reason, without a traceback, a hang or exhausted memory."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.support import hostile
from tests.support.bundles import write_tone_bundle
from tidzam.bundle import Bundle, find_bundles, read_bundle, rewrite_manifest
from tidzam.bundle.onnx_files import external_files
from tidzam.errors import BundleError
from tidzam.inference.loading import load_network, load_networks
from tidzam.manifest_fields import entry_of
from tidzam.paths import DEMO_BUNDLES

pytestmark = pytest.mark.timeout(120)


def refusal(folder: Path, model: onnx.ModelProto) -> BundleError:
    """Why a bundle with this network is not loaded."""
    with pytest.raises(BundleError) as caught:
        load_network(read_bundle(hostile.write_network(folder, model).folder))
    assert str(caught.value).isprintable()
    return caught.value


def reshape(kind: int, shape: Sequence[int | None]) -> onnx.ModelProto:
    return hostile.model(
        [helper.make_node("Cast", ["features"], ["probabilities"], to=TensorProto.FLOAT)],
        kind=kind,
        shape=shape,
        out_shape=shape,
    )


@pytest.mark.parametrize("gigabytes", [2, 8, 512])
@pytest.mark.parametrize("grows", [hostile.allocates, hostile.allocates_as_it_runs])
def test_a_network_that_allocates_gigabytes_is_refused(
    tmp_path: Path, grows: Callable[[float], onnx.ModelProto], gigabytes: int
) -> None:
    error = refusal(tmp_path, grows(gigabytes))
    assert error.code == "bundle_engine"
    assert "more than 512 MB of memory" in error.message


def test_the_reason_why_a_network_cannot_be_loaded_holds_no_source_code_of_its_engine(tmp_path: Path) -> None:
    model = hostile.sound_network()
    model.ir_version = 99
    message = refusal(tmp_path, model).message
    assert "cannot be loaded: Unsupported model IR version: 99" in message
    assert "onnxruntime" not in message


def test_a_network_that_loops_for_ever_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, hostile.loops())
    assert error.code == "bundle_engine"
    assert "more than 10 s" in error.message


def test_a_network_that_loops_briefly_is_accepted(tmp_path: Path) -> None:
    load_network(hostile.write_network(tmp_path, hostile.loops(100)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e30, 1.5, -0.5])
def test_a_network_with_invalid_probabilities_is_refused(tmp_path: Path, value: float) -> None:
    error = refusal(tmp_path, hostile.always(value))
    assert error.code == "bundle_outputs"
    assert f"returns {value:g} for silence" in error.message


@pytest.mark.parametrize("value", [0.0, 1.0, 1.0000002, -1e-7])
def test_rounding_errors_are_accepted(tmp_path: Path, value: float) -> None:
    load_network(hostile.write_network(tmp_path, hostile.always(value)))


@pytest.mark.parametrize(
    "kind", [TensorProto.INT64, TensorProto.INT8, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BOOL]
)
def test_a_network_whose_input_is_not_of_float32_is_refused(tmp_path: Path, kind: int) -> None:
    error = refusal(tmp_path, reshape(kind, (None, hostile.FRAMES, hostile.MELS)))
    assert error.code == "bundle_features"
    assert "float32" in error.message


def test_a_network_of_strings_is_refused(tmp_path: Path) -> None:
    shape = (None, hostile.FRAMES, hostile.MELS)
    echo = helper.make_node("Identity", ["features"], ["probabilities"])
    texts = hostile.model([echo], kind=TensorProto.STRING, out_kind=TensorProto.STRING, shape=shape, out_shape=shape)
    assert refusal(tmp_path, texts).code == "bundle_features"


def test_a_network_whose_output_is_not_of_float32_is_refused(tmp_path: Path) -> None:
    nodes = [*hostile.levels(), helper.make_node("Cast", ["levels"], ["probabilities"], to=TensorProto.INT32)]
    error = refusal(tmp_path, hostile.model(nodes, hostile.BANDS, out_kind=TensorProto.INT32))
    assert error.code == "bundle_classes"
    assert "int32" in error.message


def test_a_network_with_two_inputs_is_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["features", "more"], ["sum"]),
        helper.make_node("ReduceMean", ["sum"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Gather", ["mean", "bands"], ["levels"], axis=1),
        helper.make_node("Sigmoid", ["levels"], ["probabilities"]),
    ]
    error = refusal(tmp_path, hostile.model(nodes, hostile.BANDS, inputs=("features", "more")))
    assert error.code == "bundle_features"
    assert "2 inputs" in error.message


def test_a_network_with_two_outputs_is_refused(tmp_path: Path) -> None:
    nodes = [
        *hostile.levels(),
        helper.make_node("Sigmoid", ["levels"], ["probabilities"]),
        helper.make_node("Tanh", ["levels"], ["more"]),
    ]
    error = refusal(tmp_path, hostile.model(nodes, hostile.BANDS, outputs=("probabilities", "more")))
    assert error.code == "bundle_classes"
    assert "2 outputs" in error.message


@pytest.mark.parametrize("shape", [(2, hostile.FRAMES, hostile.MELS), (None, 7, 3), (None, hostile.FRAMES), ()])
def test_a_network_of_another_input_shape_is_refused(tmp_path: Path, shape: tuple[int | None, ...]) -> None:
    assert refusal(tmp_path, reshape(TensorProto.FLOAT, shape)).code == "bundle_features"


def test_a_network_that_gives_one_row_for_several_windows_is_refused(tmp_path: Path) -> None:
    nodes = [
        *hostile.levels(),
        helper.make_node("ReduceMean", ["levels"], ["first"], axes=[0]),
        helper.make_node("Sigmoid", ["first"], ["probabilities"]),
    ]
    error = refusal(tmp_path, hostile.model(nodes, hostile.BANDS))
    assert error.code == "bundle_classes"
    assert "shape (1, 2), expected (3, 2)" in error.message


def test_a_graph_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    unknown = hostile.model([helper.make_node("Frobnicate", ["features"], ["probabilities"])])
    assert refusal(tmp_path, unknown).code == "bundle_engine"


def test_the_networks_of_a_cascade_are_tried_together_and_the_faulty_one_is_named(tmp_path: Path) -> None:
    fine = hostile.write_network(tmp_path, hostile.sound_network())
    faulty = hostile.write_network(tmp_path, hostile.always(2.0), name="birds")
    with pytest.raises(BundleError, match=r"birds/model\.onnx returns 2 for silence"):
        load_networks([fine, faulty])


def test_trying_the_demo_costs_less_than_a_second_of_computing() -> None:
    bundles = [read_bundle(path) for path in find_bundles(DEMO_BUNDLES)]
    before = os.times()
    load_networks(bundles)
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 1.0


# External data: every file that a network reads is listed with its checksum.


PLACES = ["initializer", "attribute", "subgraph", "function"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("location", ["weights.data", "../weights.data", "/etc/passwd", "a/../../x", ""])
def test_a_network_that_reads_a_file_without_a_checksum_is_refused(tmp_path: Path, location: str, place: str) -> None:
    bundle = hostile.write_network(tmp_path, hostile.external(location, place=place))
    (bundle.folder / "weights.data").write_bytes(hostile.BANDS["bands"].tobytes())
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle.folder)
    assert caught.value.code == "bundle_files"
    assert repr(location) in caught.value.message


def with_data(folder: Path) -> Bundle:
    """A bundle whose network reads a file that the manifest lists."""
    bundle = hostile.write_network(folder, hostile.external("weights.data"))
    data = bundle.folder / "weights.data"
    data.write_bytes(hostile.BANDS["bands"].tobytes())
    return rewrite_manifest(bundle, data=(entry_of(data),))


def test_a_file_that_a_network_reads_is_used_if_it_has_its_checksum(tmp_path: Path) -> None:
    bundle = read_bundle(with_data(tmp_path).folder)
    silence = np.full((1, hostile.FRAMES, hostile.MELS), -100, np.float32)
    assert load_network(bundle).predict(silence).shape == (1, 2)


def test_a_changed_file_that_a_network_reads_is_refused(tmp_path: Path) -> None:
    bundle = with_data(tmp_path)
    (bundle.folder / "weights.data").write_bytes(bytes(16))
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle.folder)
    assert caught.value.code == "bundle_checksum"


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_found_wherever_it_is_named(place: str) -> None:
    assert external_files(hostile.external("w", place=place).SerializeToString()) == {"w"}


def test_demo_networks_read_no_other_file() -> None:
    for folder in find_bundles(DEMO_BUNDLES):
        assert external_files((folder / "model.onnx").read_bytes()) == frozenset()


@pytest.mark.parametrize("content", [b"nonsense", b"\xff" * 100, b"\x3a\xff\xff\xff\xff\x0f", b"\x0b", b"ORTM1234"])
def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path, content: bytes) -> None:
    bundle = write_tone_bundle(tmp_path, "selector", {"rain": (500.0,)})
    path = bundle.file("onnx")
    path.write_bytes(content)
    rewrite_manifest(bundle)
    with pytest.raises(BundleError) as caught:
        load_network(read_bundle(bundle.folder))
    assert caught.value.code == "bundle_engine"


def test_graphs_nested_without_end_are_refused() -> None:
    def field(number: int, content: bytes) -> bytes:
        length = len(content)
        varint = b""
        while length > 127:
            varint, length = varint + bytes([length & 127 | 128]), length >> 7
        return bytes([number << 3 | 2]) + varint + bytes([length]) + content

    graph = b""
    for _ in range(3000):
        graph = field(1, field(5, field(6, graph)))
    with pytest.raises(ValueError, match="nested deeper"):
        external_files(field(7, graph))


# Manifests.
