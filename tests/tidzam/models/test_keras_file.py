"""Keras files that hold code are refused before anything is loaded."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.waveform_models import write_keras
from tidzam.errors import BundleError
from tidzam.models.keras_file import require_no_code


def write_config(path: Path, config: Any) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    return path


def refusal(path: Path) -> BundleError:
    with pytest.raises(BundleError) as caught:
        require_no_code(path)
    return caught.value


def test_a_network_of_the_layers_of_keras_is_fine(tmp_path: Path) -> None:
    require_no_code(write_keras(tmp_path / "model.keras"))


def test_a_lambda_layer_is_refused_by_name(tmp_path: Path) -> None:
    import keras

    layer = keras.layers.Lambda(lambda x: x, output_shape=(4,), name="secret")
    keras.Sequential([keras.Input((4,)), layer]).save(tmp_path / "model.keras")
    error = refusal(tmp_path / "model.keras")
    assert error.code == "model_code"
    assert "its layer 'secret' is a Lambda, which holds Python code" in error.message


@pytest.mark.parametrize("kind", ["__lambda__", "TFSMLayer", "JaxLayer", "StringLookup"])
def test_a_layer_that_runs_code_or_reads_files_is_refused(tmp_path: Path, kind: str) -> None:
    layer = {"module": "keras.layers", "class_name": kind, "config": {"name": "inner"}}
    error = refusal(write_config(tmp_path / "m.keras", {"class_name": "Sequential", "config": {"layers": [layer]}}))
    assert f"its layer 'inner' is a {kind}, which" in error.message


def test_a_module_that_is_no_text_is_refused(tmp_path: Path) -> None:
    assert refusal(write_config(tmp_path / "m.keras", {"class_name": [5], "module": [5]})).code == "model_code"


def test_a_class_of_another_module_is_refused(tmp_path: Path) -> None:
    layer = {"module": "os", "class_name": "function", "config": "system"}
    nested = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "activation": [layer]}}
    error = refusal(write_config(tmp_path / "m.keras", {"class_name": "Sequential", "config": {"layers": [nested]}}))
    assert error.code == "model_code"
    assert "is a class of the module 'os'" in error.message


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x89HDF\r\n\x1a\n"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.keras").write_bytes(content)
    assert refusal(tmp_path / "m.keras").code == "bundle_engine"


def test_an_archive_without_a_description_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("other.json", "{}")
    assert refusal(tmp_path / "m.keras").code == "bundle_engine"
