"""Manifests from anywhere: each fault is refused with its reason, without a traceback, a hang or exhausted memory."""

import json
import os
import time
from pathlib import Path
from typing import Any

import onnx
import pytest

from analyzer.pipeline import Pipeline
from tests.support import hostile
from tests.support.bundles import write_tone_bundle
from tidzam.bundle import Bundle, find_bundles, read_bundle
from tidzam.config.settings import AnalyzerSettings, Settings
from tidzam.errors import BundleError
from tidzam.node.prepare import require_classifiers

pytestmark = pytest.mark.timeout(120)


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
        ("selector", hostile.external("weights.data"), "bundle_files"),
        ("birds", hostile.sound_network(), "bundle_cascade"),
    ],
)
def test_a_start_refuses_the_bundles_that_the_analyzer_would(
    tmp_path: Path, name: str, network: onnx.ModelProto, code: str
) -> None:
    hostile.write_network(tmp_path, network, name=name)
    settings = Settings(analyzer=AnalyzerSettings(nn=tmp_path))
    with pytest.raises(BundleError) as of_start:
        require_classifiers(settings, tmp_path)
    with pytest.raises(BundleError) as of_analyzer:
        Pipeline.load(tmp_path)
    assert of_start.value.code == of_analyzer.value.code == code
