"""Bundles: what is written is read, and what is not what was written is refused with the reason."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import tone_manifest, write_tone_bundle
from tidzam.audio.waveform import WaveformSpec
from tidzam.bundle import (
    RANGE_MODEL,
    Bundle,
    BundleManifest,
    License,
    NetworkFormat,
    cascade_folders,
    find_bundles,
    read_bundle,
    rewrite_manifest,
    write_bundle,
)
from tidzam.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_tone_bundle(tmp_path, "selector", {"birds": (3000.0,), "rain": (500.0,)})


def change_manifest(bundle: Bundle, change: Callable[[dict[str, Any]], object]) -> None:
    path = bundle.folder / "manifest.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def refusal(folder: Path) -> BundleError:
    with pytest.raises(BundleError) as caught:
        read_bundle(folder)
    return caught.value


def test_what_is_written_is_read(bundle: Bundle) -> None:
    again = read_bundle(bundle.folder)
    assert again == bundle
    assert again.manifest.classes == ("birds", "rain")
    assert again.manifest.is_selector
    assert again.file("onnx").is_file()


def test_extra_files_are_written_with_the_bundle_or_nothing_is(bundle: Bundle, tmp_path: Path) -> None:
    def add_card(folder: Path, manifest: BundleManifest) -> None:
        (folder / "card.md").write_text(manifest.files["onnx"].sha256)

    def fail(folder: Path, manifest: BundleManifest) -> None:
        raise OSError("no space left")

    files: dict[NetworkFormat, Path] = {"onnx": bundle.file("onnx")}
    written = write_bundle(tmp_path / "b", bundle.manifest, files, write_extras=add_card)
    assert (tmp_path / "b/card.md").read_text() == written.manifest.files["onnx"].sha256
    with pytest.raises(OSError, match="no space"):
        write_bundle(tmp_path / "b", bundle.manifest, files, write_extras=fail)
    assert read_bundle(tmp_path / "b") == written
    assert (tmp_path / "b/card.md").exists()


def test_a_manifest_is_changed_in_place_and_the_papers_stay(bundle: Bundle) -> None:
    (bundle.folder / "card.md").write_text("hears birds")
    rewritten = rewrite_manifest(bundle, thresholds={"birds": 0.1, "rain": 0.2})
    assert read_bundle(bundle.folder) == rewritten
    assert rewritten.manifest.thresholds["rain"] == 0.2
    assert rewritten.manifest.files == bundle.manifest.files
    assert (bundle.folder / "card.md").read_text() == "hears birds"


def test_the_same_bundle_is_the_same_text(bundle: Bundle) -> None:
    path = bundle.folder / "manifest.json"
    before = path.read_text()
    write_bundle(bundle.folder, bundle.manifest, {"onnx": bundle.file("onnx")})
    assert path.read_text() == before


def test_a_manifest_of_our_own_has_no_key_that_earlier_versions_do_not_know(bundle: Bundle) -> None:
    assert set(json.loads((bundle.folder / "manifest.json").read_text())) == {
        *("format_version", "name", "features", "hop_s", "classes", "labels", "activation"),
        *("thresholds", "files", "provenance", "accuracy"),
    }


def test_a_bundle_of_a_waveform_is_read_as_it_was_written(bundle: Bundle, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "features": None,
        "waveform": WaveformSpec(rate_hz=48000, window_s=3.0, fmax_hz=15000.0),
        "output": "logits",
        "root": True,
        "scientific_names": {"birds": "Aves"},
        "license": License(name="MIT"),
        "origin": "An example.",
        "name": "birdy",
    }
    manifest = bundle.manifest.model_copy(update=changes)
    range_model = tmp_path / "any.tflite"
    range_model.write_bytes(b"ranges")
    written = write_bundle(tmp_path / "birdy", manifest, {"onnx": bundle.file("onnx")}, range_model=range_model)
    assert read_bundle(tmp_path / "birdy") == written
    assert written.manifest.input.shape == (144000,)
    (tmp_path / "birdy" / RANGE_MODEL).write_bytes(b"others")
    assert refusal(tmp_path / "birdy").code == "bundle_checksum"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda values: values.pop("features"), "either features or a waveform"),
        (
            lambda values: values.update(waveform={"rate_hz": 8000, "window_s": 1, "fmax_hz": 4000}),
            "either features or",
        ),
        (lambda values: values.update(parent="birds"), "cannot have the parent 'birds'"),
        (lambda values: values.update(scientific_names={"owl": "Strix"}), "are not names of classes"),
        (lambda values: values.update(output="scores"), "output"),
    ],
)
def test_contradictions_in_a_manifest_are_refused(
    bundle: Bundle, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    change_manifest(bundle, change)
    error = refusal(bundle.folder)
    assert error.code == "bundle_manifest"
    assert reason in error.message


def test_a_classifier_of_a_waveform_has_no_features(bundle: Bundle) -> None:
    spec = WaveformSpec(rate_hz=48000, window_s=3.0, fmax_hz=15000.0)
    with pytest.raises(BundleError, match="takes a waveform, not features"):
        _ = bundle.manifest.model_copy(update={"features": None, "waveform": spec}).feature_spec


def test_the_bundles_of_a_cascade_are_those_of_a_folder_and_installed_ones(bundle: Bundle, tmp_path: Path) -> None:
    installed = write_tone_bundle(tmp_path / "home" / "models", "tones", {"hum": (440.0,)})
    home = tmp_path / "home"
    assert cascade_folders(None, ["tones"], home=home) == [installed.folder]
    assert cascade_folders(bundle.folder, ["tones"], home=home) == [bundle.folder, installed.folder]
    assert {path.name for path in cascade_folders(None, home=home)} == {"selector", "birds", "frogs"}
    with pytest.raises(BundleError, match="No model called 'tone' is installed"):
        cascade_folders(None, ["tone"], home=home)


def test_a_wrong_version_is_refused(bundle: Bundle) -> None:
    change_manifest(bundle, lambda values: values.update(format_version=2))
    error = refusal(bundle.folder)
    assert error.code == "bundle_version"
    assert "format 2" in error.message


def test_one_byte_changed_is_refused(bundle: Bundle) -> None:
    path = bundle.file("onnx")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    error = refusal(bundle.folder)
    assert error.code == "bundle_checksum"
    assert str(path) in error.message


def test_a_missing_file_is_refused(bundle: Bundle) -> None:
    bundle.file("onnx").unlink()
    assert refusal(bundle.folder).code == "bundle_missing"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda values: values["classes"].append("birds"), "one class twice"),
        (lambda values: values["classes"].append("frogs"), "frogs"),
        (lambda values: values["thresholds"].pop("rain"), "thresholds and classes"),
        (lambda values: values["labels"].update(rain="weather"), "weather"),
        (lambda values: values["features"].update(fmax_hz=99999.0), "99999"),
        (lambda values: values["features"].pop("n_mels"), "features"),
        (lambda values: values["files"]["onnx"].update(name="../evil"), "files"),
        (lambda values: values.update(color="red"), "color"),
        (lambda values: values.pop("activation"), "activation"),
    ],
)
def test_a_manifest_that_does_not_hold_is_refused(
    bundle: Bundle, change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    change_manifest(bundle, change)
    error = refusal(bundle.folder)
    assert error.code == "bundle_manifest"
    assert reason in error.message


@pytest.mark.parametrize("text", ["", "not json", "[]"])
def test_an_invalid_manifest_is_refused(bundle: Bundle, text: str) -> None:
    (bundle.folder / "manifest.json").write_text(text)
    assert refusal(bundle.folder).code == "bundle_manifest"


def test_an_engine_that_is_not_there(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="only onnx"):
        bundle.file("keras")


def test_an_interrupted_write_leaves_the_old_bundle(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_bundle(bundle.folder, tone_manifest("selector", ["frogs"]), {"onnx": tmp_path / "gone.onnx"})
    assert read_bundle(bundle.folder) == bundle
    assert list(tmp_path.iterdir()) == [bundle.folder]


def test_bundles_are_found_by_themselves_and_in_a_folder(bundle: Bundle, tmp_path: Path) -> None:
    assert find_bundles(tmp_path) == find_bundles(bundle.folder) == [bundle.folder]
    with pytest.raises(BundleError) as caught:
        find_bundles(tmp_path / "nothing")
    assert caught.value.code == "bundle_missing"


def test_hidden_folders_are_no_bundles(bundle: Bundle, tmp_path: Path) -> None:
    shutil.copytree(bundle.folder, tmp_path / ".copy")
    assert find_bundles(tmp_path) == [bundle.folder]
