"""Importing a model file as a bundle: what kind it is, what its manifest says, and why it does not fit."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from tidzam import __version__
from tidzam.audio.waveform import InputSpec, WaveformSpec
from tidzam.bundle import FILE_NAMES, Bundle, BundleManifest, License, NetworkFormat
from tidzam.errors import BundleError
from tidzam.labels import LabelTree
from tidzam.manifest_fields import NAME_PATTERN, faults_of, sha256_of
from tidzam.models.install import install_model
from tidzam.models.keras_file import require_no_code
from tidzam.models.label_file import LabelList
from tidzam.models.output_choice import choose_output
from tidzam.models.saved_model import MARKER, convert_saved_model

FORMATS: Final[Mapping[str, NetworkFormat]] = {".onnx": "onnx", ".tflite": "litert", ".keras": "keras"}
"""The formats of model files by their suffix; besides, there are SavedModels, which are folders."""
UNSUPPORTED: Final[Mapping[str, str]] = {
    ".h5": "HDF5 files of older versions of Keras may hold code; save the model as *.keras",
    ".hdf5": "HDF5 files of older versions of Keras may hold code; save the model as *.keras",
    ".pt": "files of PyTorch are pickles, which may run code; export the model as ONNX",
    ".pth": "files of PyTorch are pickles, which may run code; export the model as ONNX",
    ".ckpt": "checkpoints may be pickles, which may run code; export the model as ONNX",
    ".pkl": "pickles may run code; export the model as ONNX",
    ".pickle": "pickles may run code; export the model as ONNX",
    ".joblib": "pickles may run code; export the model as ONNX",
    ".npy": "arrays are not networks; export the model as ONNX",
}


@dataclass(frozen=True, kw_only=True)
class ModelImport:
    """What is known about a model besides its file. The fields are those of the manifest, except `network_output`: the
    output that holds the classes, by name or index, of a network with several."""

    name: str
    input: InputSpec
    labels: LabelList
    output: Literal["probabilities", "logits"] = "probabilities"
    network_output: str | None = None
    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    threshold: float = 0.5
    parent: str | None = None
    license: str = ""
    license_url: str = ""
    origin: str = ""


def import_model(folder: Path, path: Path, about: ModelImport) -> Bundle:
    """Install the model at `path` in `folder`: an ONNX (*.onnx), LiteRT (*.tflite) or Keras (*.keras) file, or the
    folder of a SavedModel, which is converted to LiteRT.

    Its input must be that of `about`, and its outputs as many as there are labels; it is run once. Raises BundleError
    with what does not fit, and what to do: `model_format`, `model_code`, `model_output`, and those of `install_model`;
    SetupError if
    the library that runs or converts it is not installed.
    """
    file_format = _format_of(path)
    manifest = _manifest(path, about)
    with tempfile.TemporaryDirectory(prefix="tidzam-import-") as temporary, _explained(path, about, folder):
        if file_format is None:
            file_format, converted = "litert", Path(temporary) / FILE_NAMES["litert"]
            convert_saved_model(path, converted)
            source = converted
        else:
            source = path
        if file_format == "keras":
            require_no_code(path)
        target = Path(temporary) / f"chosen-{FILE_NAMES[file_format]}"
        source = choose_output(source, file_format, about.network_output, target, shown=path)
        return install_model(folder, manifest, {file_format: source})


def _format_of(path: Path) -> NetworkFormat | None:
    """The format of a model file; None for a SavedModel. Raises BundleError (`model_format`)."""
    suffix = path.suffix.lower()
    reason = None
    if not path.exists():
        reason = "there is no such file or folder"
    elif path.is_dir():
        if (path / MARKER).is_file():
            return None
        reason = f"the folder is not a SavedModel, since it holds no {MARKER}"
    elif suffix in FORMATS:
        return FORMATS[suffix]
    else:
        reason = UNSUPPORTED.get(suffix, f"files of type {suffix or 'unknown'} are not supported")
    raise BundleError(
        f"{path} cannot be imported: {reason}.",
        hint=f"Specify a file of type {', '.join(FORMATS)}, or the folder of a SavedModel.",
        code="model_format",
    )


def _manifest(path: Path, about: ModelImport) -> BundleManifest:
    if not re.fullmatch(NAME_PATTERN, about.name):
        raise BundleError(
            f"A model cannot be called {about.name!r}.",
            hint="Choose a name of letters, digits, '_', '.' and '-' with --name.",
            code="bundle_manifest",
        )
    classes = about.labels.labels
    waveform = about.input if isinstance(about.input, WaveformSpec) else None
    try:
        return BundleManifest(
            name=about.name,
            features=None if isinstance(about.input, WaveformSpec) else about.input,
            waveform=waveform,
            hop_s=about.input.window_s,
            classes=classes,
            labels=LabelTree.flat(classes),
            activation=about.activation,
            output=about.output,
            thresholds=dict.fromkeys(classes, about.threshold),
            root=about.parent is None and about.name != "selector",
            parent=about.parent,
            scientific_names=dict(about.labels.scientific_names),
            license=License(name=about.license, url=about.license_url) if about.license else None,
            origin=about.origin,
            provenance={
                "imported_from": path.name,
                "sha256": sha256_of(path) if path.is_file() else sha256_of(path / MARKER),
                "tidzam": __version__,
            },
            accuracy={},
        )
    except ValidationError as error:
        raise BundleError(f"The model cannot be described: {faults_of(error)}.", code="bundle_manifest") from None


@contextmanager
def _explained(path: Path, about: ModelImport, folder: Path) -> Iterator[None]:
    """Say of an error of the trial which option it may come from, and name the file that was given."""
    try:
        yield
    except BundleError as error:
        hint = _hints(about).get(error.code)
        if hint is None:
            raise
        before, _, after = error.message.partition(str(folder))
        message = f"{before}{path}{after[after.find(' ') :]}" if after else error.message
        raise BundleError(message, hint=hint, code=error.code) from None


def _hints(about: ModelImport) -> Mapping[str, str]:
    spec = about.input
    if isinstance(spec, WaveformSpec):
        size = f"--rate-hz {spec.rate_hz} and --window-s {spec.window_s:g} make {spec.window_samples} samples"
    else:
        size = f"the given features have the shape {spec.shape} (frames, mels)"
    return {
        "bundle_features": f"Check what the model takes: {size}.",
        "bundle_classes": f"Check --labels: it has {len(about.labels.labels)} labels, one is needed per output.",
        "bundle_outputs": "If the model returns logits, add --output logits (and --activation softmax if exactly one "
        "class occurs).",
        "bundle_engine": "Check that the file is complete, and export it again.",
        "bundle_files": "Export the network with its weights inside.",
    }
