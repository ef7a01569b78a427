"""Importing models: each format with its tones named as before, and each reason for a refusal."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analyzer.pipeline import Pipeline
from tests.support.bundles import SPEC, write_tone_bundle
from tests.support.sound import tone
from tests.support.waveform_models import (
    INPUT,
    LABELS,
    keras_model,
    write_keras,
    write_litert,
    write_onnx,
    write_onnx_with_parts,
    write_saved_model,
)
from tidzam.audio.features import FeatureSpec
from tidzam.audio.waveform import WaveformSpec
from tidzam.bundle import Bundle, installed_models
from tidzam.bundle.onnx_files import output_names
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError
from tidzam.models.importing import ModelImport, import_model
from tidzam.models.label_file import LabelList
from tidzam.models.output_choice import LiteRtOutputs
from tidzam.models.saved_model import convert_here

pytestmark = pytest.mark.timeout(150)

ABOUT = ModelImport(name="tones", input=INPUT, labels=LabelList(LABELS, {}), output="logits")
Write = Callable[[Path], Path]
FORMATS: dict[str, tuple[str, Write]] = {
    "onnx": ("model.onnx", write_onnx),
    "onnx of one window": ("model.onnx", lambda path: write_onnx(path, batch=1)),
    "keras": ("model.keras", write_keras),
    "litert": ("model.tflite", lambda path: write_litert(path, keras_model())),
    "saved model": ("saved", write_saved_model),
}


def named(home: Path, *tones_hz: float, rate_hz: int = 48000) -> dict[str, float]:
    """The probabilities of the installed model for a window with tones."""
    pipeline = Pipeline.of(AnalyzerSettings(models=("tones",)), home=home)
    samples = tone(*tones_hz, rate_hz=rate_hz, amplitude=0.3)[: round(pipeline.window_s * rate_hz)]
    return pipeline.cascade.predict(samples[None], rate_hz)[0]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_model_of_each_format_names_tones(tmp_path: Path, kind: str) -> None:
    name, write = FORMATS[kind]
    import_model(tmp_path / "models", write(tmp_path / name), ABOUT)
    found = named(tmp_path, 2000.0)
    assert found["whistle"] > 0.99
    assert found["hum"] == pytest.approx(1 / (1 + math.e), abs=1e-3)


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000])
def test_audio_of_any_rate_is_resampled_for_it(tmp_path: Path, rate_hz: int) -> None:
    import_model(tmp_path / "models", write_onnx(tmp_path / "m.onnx"), ABOUT)
    assert named(tmp_path, 440.0, rate_hz=rate_hz)["hum"] > 0.99


def test_probabilities_are_taken_as_they_are(tmp_path: Path) -> None:
    about = replace(ABOUT, output="probabilities")
    import_model(tmp_path / "models", write_onnx(tmp_path / "m.onnx", logits=False), about)
    assert named(tmp_path, 2000.0)["whistle"] > 0.99


def test_softmax_makes_probabilities_that_sum_to_one(tmp_path: Path) -> None:
    about = replace(ABOUT, activation="softmax")
    import_model(tmp_path / "models", write_onnx(tmp_path / "m.onnx"), about)
    assert sum(named(tmp_path, 2000.0).values()) == pytest.approx(1.0, abs=1e-6)


def test_a_model_of_features_is_imported(tmp_path: Path) -> None:
    path = write_tone_bundle(tmp_path, "any", {"hum": (440.0,), "whistle": (2000.0,)}).file("onnx")
    import_model(tmp_path / "models", path, replace(ABOUT, input=SPEC, output="probabilities"))
    assert named(tmp_path, 2000.0)["whistle"] > 0.9


def test_the_manifest_says_what_was_given(tmp_path: Path) -> None:
    labels = LabelList(LABELS, {"whistle": "Siffleur siffleur"})
    about = replace(ABOUT, labels=labels, license="MIT", license_url="https://mit.example", origin="A friend.")
    manifest = import_model(tmp_path / "models", write_onnx(tmp_path / "m.onnx"), about).manifest
    assert manifest.scientific_names == {"whistle": "Siffleur siffleur"}
    assert manifest.license is not None
    assert (manifest.license.name, manifest.license.url, manifest.origin) == ("MIT", "https://mit.example", "A friend.")
    assert manifest.provenance["imported_from"] == "m.onnx"


def test_an_expert_runs_where_its_parent_is_likely(tmp_path: Path) -> None:
    selector = write_tone_bundle(tmp_path / "nn", "selector", {"birds": (2000.0,)}, features=halved())
    import_model(tmp_path / "models", write_onnx(tmp_path / "m.onnx"), replace(ABOUT, parent="birds"))
    settings = AnalyzerSettings(nn=selector.folder, models=("tones",))
    cascade = Pipeline.of(settings, home=tmp_path).cascade
    assert cascade.labels.path("whistle") == ("birds", "whistle")
    sounds = np.stack([tone(hz, rate_hz=22050, amplitude=0.3)[:11025] for hz in (2000.0, 440.0)])
    with_birds, without = cascade.predict(sounds, 22050)
    assert with_birds["whistle"] > 0.9
    assert set(without) == {"birds"}


def halved() -> FeatureSpec:
    return SPEC.from_dict({**SPEC.to_dict(), "window_s": INPUT.window_s})


def refusal(tmp_path: Path, path: Path, about: ModelImport = ABOUT) -> BundleError:
    with pytest.raises(BundleError) as caught:
        import_model(tmp_path / "models", path, about)
    assert installed_models(tmp_path / "models") == []
    assert [path.name for path in (tmp_path / "models").glob("*")] == []
    return caught.value


def test_another_window_is_refused_with_its_length(tmp_path: Path) -> None:
    error = refusal(
        tmp_path,
        write_onnx(tmp_path / "m.onnx"),
        replace(ABOUT, input=WaveformSpec(rate_hz=8000, window_s=1.0, fmax_hz=4000)),
    )
    assert error.code == "bundle_features"
    assert f"The network {tmp_path}/m.onnx takes an input of shape (None, 4000)" in error.message
    assert "--rate-hz 8000 and --window-s 1 make 8000 samples" in error.hint


def test_another_number_of_labels_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, write_onnx(tmp_path / "m.onnx"), replace(ABOUT, labels=LabelList(("hum",), {})))
    assert error.code == "bundle_classes"
    assert "shape (1, 2), expected (1, 1)" in error.message
    assert "--labels: it has 1 labels" in error.hint


@pytest.mark.parametrize("chosen", ["logits", "1"])
def test_one_of_several_outputs_is_chosen_by_name_or_index(tmp_path: Path, chosen: str) -> None:
    path = write_onnx_with_parts(tmp_path / "m.onnx")
    bundle = import_model(tmp_path / "models", path, replace(ABOUT, network_output=chosen))
    assert output_names(bundle.file("onnx").read_bytes()) == ("logits",)
    assert named(tmp_path, 2000.0)["whistle"] > 0.99


@pytest.mark.parametrize(
    ("chosen", "says"), [(None, "has several outputs"), ("scores", "has no output 'scores'"), ("3", "no output '3'")]
)
def test_several_outputs_without_a_choice_are_refused_with_their_names(tmp_path: Path, chosen: str, says: str) -> None:
    error = refusal(tmp_path, write_onnx_with_parts(tmp_path / "m.onnx"), replace(ABOUT, network_output=chosen))
    assert error.code == "model_output"
    assert says in error.message
    assert "Its outputs are 0: c, 1: logits, 2: s." in error.message
    assert "--network-output" in error.hint


def test_one_of_several_outputs_of_litert_is_chosen(tmp_path: Path) -> None:
    import keras

    whole = keras_model()
    several = keras.Model(whole.inputs, [whole.layers[1].output, whole.output])
    path = write_litert(tmp_path / "m.tflite", several)
    error = refusal(tmp_path, path)
    assert error.code == "model_output"
    logits = next(name for name in LiteRtOutputs(path.read_bytes()).names if name.endswith(":1"))
    assert logits in error.message
    import_model(tmp_path / "models", path, replace(ABOUT, network_output=logits))
    assert named(tmp_path, 2000.0)["whistle"] > 0.99


def test_of_a_keras_file_no_output_is_chosen(tmp_path: Path) -> None:
    error = refusal(tmp_path, write_keras(tmp_path / "m.keras"), replace(ABOUT, network_output="0"))
    assert "keras.Model(model.inputs, model.outputs[INDEX])" in error.hint


def test_logits_that_are_called_probabilities_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, write_onnx(tmp_path / "m.onnx"), replace(ABOUT, output="probabilities"))
    assert error.code == "bundle_outputs"
    assert "returns -1 for silence" in error.message
    assert "--output logits" in error.hint


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("m.h5", "may hold code; save the model as"),
        ("m.pt", "are pickles, which may run code"),
        ("m.txt", "files of type .txt are not supported"),
        ("m", "files of type unknown are not supported"),
    ],
)
def test_other_files_are_refused_unread(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    error = refusal(tmp_path, tmp_path / name)
    assert error.code == "model_format"
    assert reason in error.message


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file or folder" in refusal(tmp_path, tmp_path / "m.onnx").message


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    assert "holds no saved_model.pb" in refusal(tmp_path, tmp_path / "f").message


@pytest.mark.parametrize("name", ["../evil", "..", "täg ß", ""])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="A model cannot be called"):
        import_model(tmp_path / "models", write_onnx(tmp_path / "m.onnx"), replace(ABOUT, name=name))


@pytest.mark.parametrize("name", ["m.onnx", "m.tflite", "m.keras"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nonsense")
    assert refusal(tmp_path, tmp_path / name).code == "bundle_engine"


def test_a_damaged_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(BundleError, match=r"saved_model\.pb is damaged") as caught:
        convert_here(tmp_path / "saved", tmp_path / "model.tflite")
    assert caught.value.code == "bundle_engine"


def test_a_saved_model_that_reads_files_is_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    class Thief(tf.Module):  # type: ignore[misc]
        @tf.function(input_signature=[tf.TensorSpec([None, INPUT.window_samples], tf.float32)])  # type: ignore[untyped-decorator]
        def __call__(self, waveform: object) -> object:
            size = tf.cast(tf.strings.length(tf.io.read_file("/etc/hostname")), tf.float32)
            return tf.reduce_sum(waveform, axis=1, keepdims=True) * size

    thief = Thief()
    tf.saved_model.save(thief, str(tmp_path / "saved"), signatures=thief.__call__)
    with pytest.raises(BundleError, match="the operation ReadFile") as caught:
        convert_here(tmp_path / "saved", tmp_path / "model.tflite")
    assert caught.value.code == "model_code"


def test_a_keras_file_with_a_lambda_layer_is_refused(tmp_path: Path) -> None:
    import keras

    layer = keras.layers.Lambda(lambda x: x[:, :2], output_shape=(2,))
    keras.Sequential([keras.Input((INPUT.window_samples,)), layer]).save(tmp_path / "m.keras")
    assert refusal(tmp_path, tmp_path / "m.keras").code == "model_code"


def test_a_replaced_model_is_whole(tmp_path: Path) -> None:
    path = write_onnx(tmp_path / "m.onnx")
    first: Bundle = import_model(tmp_path / "models", path, ABOUT)
    second = import_model(tmp_path / "models", path, replace(ABOUT, threshold=0.7))
    assert first.folder == second.folder
    assert second.manifest.thresholds == {"hum": 0.7, "whistle": 0.7}
