"""Bundles from anywhere: each fault is refused with its reason, without a traceback, a hang or exhausted memory."""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from analyzer.pipeline import Pipeline
from tests.support import hostile
from tests.support.bundles import write_tone_bundle
from tidzam.bundle import Bundle, find_bundles, read_bundle, rewrite_manifest
from tidzam.bundle.onnx_files import external_files
from tidzam.config.settings import AnalyzerSettings, Settings
from tidzam.errors import BundleError
from tidzam.inference.loading import load_network, load_networks
from tidzam.manifest_fields import entry_of
from tidzam.node.prepare import require_classifiers
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


@pytest.mark.parametrize("shape", [(1, hostile.FRAMES, hostile.MELS), (None, 7, 3), (None, hostile.FRAMES), ()])
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


def external(location: str, *, place: str = "initializer") -> onnx.ModelProto:
    """A network whose bands are read from the file `location`."""
    bands = numpy_helper.from_array(hostile.BANDS["bands"], "bands")
    bands.ClearField("raw_data")
    bands.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        bands.external_data.add(key=key, value=value)
    nodes = [*hostile.levels(), helper.make_node("Sigmoid", ["levels"], ["probabilities"])]
    if place == "attribute":
        return hostile.model([helper.make_node("Constant", [], ["bands"], value=bands), *nodes])
    if place == "subgraph":
        out = [helper.make_tensor_value_info("bands_out", TensorProto.INT64, [2])]
        inner = helper.make_graph([helper.make_node("Identity", ["bands"], ["bands_out"])], "inner", [], out, [bands])
        chosen = helper.make_node("If", ["yes"], ["bands"], then_branch=inner, else_branch=inner)
        return hostile.model([chosen, *nodes], {"yes": np.array(True)})
    if place == "function":
        made = hostile.model([helper.make_node("Bands", [], ["bands"], domain="own"), *nodes])
        constant = helper.make_node("Constant", [], ["b"], value=bands)
        opset = helper.make_opsetid("", 13)
        made.functions.append(helper.make_function("own", "Bands", [], ["b"], [constant], [opset]))
        made.opset_import.append(helper.make_opsetid("own", 1))
        return made
    made = hostile.model(nodes)
    made.graph.initializer.append(bands)
    return made


PLACES = ["initializer", "attribute", "subgraph", "function"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("location", ["weights.data", "../weights.data", "/etc/passwd", "a/../../x", ""])
def test_a_network_that_reads_a_file_without_a_checksum_is_refused(tmp_path: Path, location: str, place: str) -> None:
    bundle = hostile.write_network(tmp_path, external(location, place=place))
    (bundle.folder / "weights.data").write_bytes(hostile.BANDS["bands"].tobytes())
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle.folder)
    assert caught.value.code == "bundle_files"
    assert repr(location) in caught.value.message


def with_data(folder: Path) -> Bundle:
    """A bundle whose network reads a file that the manifest lists."""
    bundle = hostile.write_network(folder, external("weights.data"))
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
    assert external_files(external("w", place=place).SerializeToString()) == {"w"}


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


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_tone_bundle(tmp_path, "selector", {"birds": (3000.0,), "rain": (500.0,)})


def manifest_refusal(bundle: Bundle, text: str | bytes) -> BundleError:
    path = bundle.folder / "manifest.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle.folder)
    assert caught.value.code in {"bundle_manifest", "bundle_missing", "bundle_version"}
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2000
    return caught.value


@pytest.mark.parametrize("depth", [100, 2_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_json_is_refused(bundle: Bundle, opening: str, depth: int) -> None:
    closing = "]" if opening == "[" else "}"
    deep = opening * depth + "1" + closing * depth
    text = (bundle.folder / "manifest.json").read_text().replace('"provenance": {', f'"provenance": {{"deep": {deep},')
    assert "nested deeper than 40 levels" in manifest_refusal(bundle, text).message


def test_a_key_that_is_named_twice_is_refused(bundle: Bundle) -> None:
    text = (
        (bundle.folder / "manifest.json").read_text().replace('"name": "selector"', '"name": "x", "name": "selector"')
    )
    assert "'name' occurs twice" in manifest_refusal(bundle, text).message


def test_a_manifest_of_100_megabytes_is_refused_before_it_is_parsed(bundle: Bundle) -> None:
    started = time.process_time()
    error = manifest_refusal(bundle, b'{"a": "' + b"x" * 100_000_000 + b'"}')
    assert "larger than 32 MB" in error.message
    assert time.process_time() - started < 2


@pytest.mark.parametrize("text", [b"\xff\xfe{}", b'"text"', b"1", b"null", b"{", b"1" * 5000, b"\xef\xbb\xbf{}"])
def test_a_manifest_that_is_not_a_json_object_is_refused(bundle: Bundle, text: bytes) -> None:
    manifest_refusal(bundle, text)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fft_length", 2**40),
        ("fft_length", 10**400),
        ("n_mels", 10**9),
        ("rate_hz", 2**62),
        ("window_s", float("inf")),
        ("window_s", float("nan")),
        ("window_s", 1e308),
        ("floor_db", float("-inf")),
        ("fmax_hz", float("nan")),
        ("hop_length", -1),
        ("n_mels", None),
        ("n_mels", [1]),
    ],
)
def test_a_manifest_whose_features_are_impossible_is_refused(bundle: Bundle, key: str, value: object) -> None:
    values = json.loads((bundle.folder / "manifest.json").read_text())
    values["features"][key] = value
    error = manifest_refusal(bundle, json.dumps(values))
    assert key in error.message


def chain(levels: int) -> dict[str, str | None]:
    return {"birds": None, "rain": None} | {f"c{k}": f"c{k - 1}" if k else "rain" for k in range(levels)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": chain(1000)}, "deeper than 64 levels"),
        ({"labels": chain(50_000)}, "deeper than 64 levels"),
        ({"labels": {"birds": "rain", "rain": "birds"}}, "own ancestor"),
        ({"labels": {"birds": 1, "rain": None}}, "neither a label nor null"),
        ({"labels": {"birds": ["rain"], "rain": None}}, "neither a label nor null"),
        ({"labels": [["birds", None], ["rain", None]]}, "labels"),
        ({"labels": "birds"}, "labels"),
        ({"labels": None}, "labels"),
        ({"features": list("abc")}, "features"),
        ({"features": None}, "features"),
        ({"features": 5}, "features"),
        ({"hop_s": float("inf")}, "hop_s"),
        ({"hop_s": float("nan")}, "hop_s"),
        ({"thresholds": {"birds": float("nan"), "rain": 0.5}}, "thresholds"),
        ({"thresholds": {"birds": 1e30, "rain": 0.5}}, "thresholds"),
        ({"thresholds": {"birds": -1, "rain": 0.5}}, "thresholds"),
        ({"name": ".."}, "name"),
        ({"name": "."}, "name"),
        ({"name": ".hidden"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "line\n"}, "name"),
        ({"classes": []}, "classes"),
        ({"classes": "birds"}, "classes"),
        ({"classes": [f"x{k}" for k in range(100_000)]}, "classes"),
        ({"\x1b[31mred": 1}, "red"),
        ({"k" * 100_000: 1}, "kkk"),
        ({"format_version": "\x1b[31m"}, "format"),
        ({"format_version": True, "name": 1}, "name"),
        ({f"unknown{k}": 1 for k in range(10_000)}, "more"),
    ],
)
def test_a_manifest_with_impossible_values_is_refused(bundle: Bundle, change: dict[str, Any], reason: str) -> None:
    values = json.loads((bundle.folder / "manifest.json").read_text())
    assert reason in manifest_refusal(bundle, json.dumps(values | change)).message


@pytest.mark.parametrize(
    "name", ["..", ".", "../selector", "/etc/passwd", "manifest.json", "model.ort", "model.h5", "", "a\n.onnx", ".onnx"]
)
def test_a_network_file_by_another_name_than_a_plain_one_is_refused(bundle: Bundle, name: str) -> None:
    values = json.loads((bundle.folder / "manifest.json").read_text())
    values["files"]["onnx"]["name"] = name
    manifest_refusal(bundle, json.dumps(values))


def test_a_manifest_that_is_not_a_regular_file_does_not_block(bundle: Bundle) -> None:
    path = bundle.folder / "manifest.json"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BundleError, match="not a regular file"):
        read_bundle(bundle.folder)


def test_a_network_that_is_not_a_regular_file_does_not_block(bundle: Bundle) -> None:
    path = bundle.file("onnx")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle.folder)
    assert caught.value.code == "bundle_missing"


def test_links_are_followed_and_those_that_lead_nowhere_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    path = bundle.file("onnx")
    moved = tmp_path / "elsewhere"
    path.rename(moved)
    path.symlink_to(moved)
    assert read_bundle(bundle.folder) == bundle
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(BundleError) as caught:
        read_bundle(bundle.folder)
    assert caught.value.code == "bundle_missing"


@pytest.mark.parametrize("place", ["..", "nothing", "loop", "file", "file/x", "x" * 300, "nul\0"])
def test_a_place_without_bundles_is_refused(tmp_path: Path, place: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "file").write_text("")
    with pytest.raises(BundleError) as caught:
        find_bundles(folder / place)
    assert caught.value.code == "bundle_missing"


def test_bundles_are_found_whatever_way_the_path_is_written(bundle: Bundle, tmp_path: Path) -> None:
    for written in (f"{bundle.folder}/", f"{bundle.folder}/.", f"{bundle.folder}/../selector", str(tmp_path) + "//"):
        (found,) = find_bundles(Path(written))
        assert read_bundle(found).manifest == bundle.manifest


# What `tidzam start` verifies before anything runs.


@pytest.mark.parametrize(
    ("name", "network", "code"),
    [
        ("selector", hostile.always(float("nan")), "bundle_outputs"),
        ("selector", hostile.allocates(8), "bundle_engine"),
        ("selector", external("weights.data"), "bundle_files"),
        ("birds", hostile.sound_network(), "bundle_cascade"),
    ],
)
def test_a_start_refuses_the_bundles_that_the_analyzer_would(
    tmp_path: Path, name: str, network: onnx.ModelProto, code: str
) -> None:
    hostile.write_network(tmp_path, network, name=name)
    settings = Settings(analyzer=AnalyzerSettings(nn=tmp_path))
    with pytest.raises(BundleError) as of_start:
        require_classifiers(settings)
    with pytest.raises(BundleError) as of_analyzer:
        Pipeline.load(tmp_path)
    assert of_start.value.code == of_analyzer.value.code == code
