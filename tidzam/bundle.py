"""A bundle: one trained classifier as a folder that describes itself. No pickle, no code.

birds/
  manifest.json   what it hears, how to feed it, how well it was measured to do
  model.onnx      what runs by default
  model.keras     what trains on, and what TensorFlow runs
  card.md         all that for a person to read, with pictures; no program does
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from tidzam.errors import BundleError
from tidzam.labels import Label, LabelTree
from tidzam.manifests import NAME_PATTERN, Features, FileEntry, Labels, entry_of, faults_of, read_object, sha256_of
from tidzam.onnx_files import external_files

FORMAT_VERSION: Final = 1
MANIFEST = "manifest.json"
SELECTOR = "selector"
"""The name of the classifier that every window goes through first."""

Engine = Literal["onnx", "keras"]
FILE_NAMES: Mapping[Engine, str] = {"onnx": "model.onnx", "keras": "model.keras"}
MAX_CLASSES: Final = 50_000
MAX_NETWORK_BYTES: Final = 2**31
"""The maximum length of a protobuf message, such as an ONNX file."""

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Manifest(BaseModel):
    """What `manifest.json` holds. Outputs of the model are `classes`, in that order."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    features: Features
    hop_s: float = Field(gt=0, allow_inf_nan=False, description="Time from one window to the next in training.")
    classes: tuple[Label, ...] = Field(min_length=1, max_length=MAX_CLASSES, strict=False)
    labels: Labels
    activation: Literal["sigmoid", "softmax"] = Field(
        description="sigmoid: several classes may sound at once; softmax: exactly one does."
    )
    thresholds: dict[Label, Probability] = Field(description="The probability from which each class is decided.")
    files: dict[Engine, FileEntry] = Field(default_factory=dict)
    data: tuple[FileEntry, ...] = Field(
        default=(), strict=False, description="Other files that a network reads: weights beside an ONNX graph."
    )
    provenance: dict[str, Any] = Field(description="Who trained it, when, from what, with which seed.")
    accuracy: dict[str, Any] = Field(description="What was measured, on which data. Never a promise.")

    @model_validator(mode="after")
    def _classes_agree(self) -> Manifest:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes name one class twice")
        missing = [label for label in self.classes if label not in self.labels]
        if missing:
            raise ValueError(f"classes {missing[:5]} are not in the label tree")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds and classes name different classes")
        return self

    @model_validator(mode="after")
    def _files_agree(self) -> Manifest:
        for engine, entry in self.files.items():
            suffix = Path(FILE_NAMES[engine]).suffix
            if not entry.name.endswith(suffix):  # another suffix makes an engine read another, less safe format
                raise ValueError(f"the {engine} file is called {entry.name[:40]!r}; its name must end in {suffix}")
        names = [MANIFEST, *(entry.name for entry in (*self.files.values(), *self.data))]
        if len(set(names)) < len(names):
            raise ValueError("two files have the same name")
        return self

    @model_serializer(mode="wrap")
    def _without_empty_data(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Most bundles have none, and earlier versions of Tidzam do not know the key."""
        values: dict[str, Any] = serialize(self)
        return values if self.data else {key: value for key, value in values.items() if key != "data"}

    @property
    def is_selector(self) -> bool:
        return self.name == SELECTOR

    @property
    def labels_in_cascade(self) -> LabelTree:
        """Its label tree as it hangs in a cascade: an expert's roots lie under the class of its own name."""
        if self.is_selector:
            return self.labels
        hung = {label: self.name if parent is None else parent for label, parent in self.labels.parents.items()}
        return LabelTree({**hung, self.name: None})


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on disk."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return self.manifest.name

    def file(self, engine: Engine) -> Path:
        """The path of an engine's file. Raises BundleError if the bundle has none."""
        entry = self.manifest.files.get(engine)
        if entry is None:
            raise BundleError(
                f"Bundle {self.name!r} has no {engine} file, only {', '.join(self.manifest.files)}.",
                hint="Choose another engine, or train the bundle again.",
                code="bundle_engine",
            )
        return self.folder / entry.name


def write_bundle(
    folder: Path,
    manifest: Manifest,
    files: Mapping[Engine, Path],
    *,
    add_papers: Callable[[Path, Manifest], object] = lambda folder, manifest: None,
) -> Bundle:
    """Write a bundle whole or not at all; an older one at `folder` is replaced.

    `files` are copied in and their checksums recorded; `manifest.files` is ignored. `add_papers` may put files for
    people, a model card say, into the new folder before it takes its place; it is given the complete manifest.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        fresh = Path(temporary) / folder.name
        fresh.mkdir()
        entries = {engine: _add_file(source, fresh / FILE_NAMES[engine]) for engine, source in files.items()}
        complete = manifest.model_copy(update={"files": entries})
        text = json.dumps(complete.model_dump(mode="json"), indent=2, sort_keys=True)
        (fresh / MANIFEST).write_text(text + "\n", encoding="utf-8")
        add_papers(fresh, complete)
        if folder.exists():
            folder.rename(Path(temporary) / "replaced")
        fresh.rename(folder)
    return Bundle(folder, complete)


def rewrite_manifest(bundle: Bundle, **changes: Any) -> Bundle:
    """The same bundle in the same place, `changes` made to fields of its manifest. Its papers stay with it."""
    known = {MANIFEST, *(entry.name for entry in bundle.manifest.files.values())}

    def keep_papers(folder: Path, _: Manifest) -> None:
        for paper in bundle.folder.iterdir():
            if paper.name not in known:
                shutil.copyfile(paper, folder / paper.name)

    manifest = bundle.manifest.model_copy(update=changes)
    files = {engine: bundle.file(engine) for engine in bundle.manifest.files}
    return write_bundle(bundle.folder, manifest, files, add_papers=keep_papers)


def read_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle: its manifest, and every file that its networks read.

    Files that the manifest does not name are for people; no network may read them. Symbolic links are followed, since
    their targets must have the checksums. Nothing in the bundle is run: `tidzam.trial` does that.

    Raises BundleError with the reason: `bundle_missing`, `bundle_version`, `bundle_manifest`, `bundle_checksum`,
    `bundle_files`.
    """
    values = _read_manifest(folder / MANIFEST)
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{folder} is a bundle of format {repr(version)[:20]}; this version reads format {FORMAT_VERSION}.",
            hint="Train it again, or use the version that wrote it.",
            code="bundle_version",
        )
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as error:
        message = f"The manifest of bundle {folder} does not hold: {faults_of(error)}."
        raise BundleError(message, code="bundle_manifest") from None
    for entry in (*manifest.files.values(), *manifest.data):
        _verify_file(folder / entry.name, entry)
    bundle = Bundle(folder, manifest)
    _check_external_files(bundle)
    return bundle


def _check_external_files(bundle: Bundle) -> None:
    """Raises BundleError if the ONNX graph reads a file that the manifest does not list."""
    if "onnx" not in bundle.manifest.files:
        return
    path = bundle.file("onnx")
    try:
        read = external_files(path.read_bytes())
    except ValueError as error:
        raise BundleError(
            f"{path} is not an ONNX file: {error}.", hint="Export the bundle again.", code="bundle_engine"
        ) from None
    unknown = sorted(read - {entry.name for entry in bundle.manifest.data})
    if unknown:
        raise BundleError(
            f"{path} reads the file {unknown[0][:80]!r}, which the manifest's 'data' does not list with a checksum.",
            hint="Export the network with its weights inside, or list the file; it must lie in the bundle's folder.",
            code="bundle_files",
        )


def find_bundles(folder: Path) -> list[Path]:
    """The bundles in `folder`, by name: the folder itself if it is one, else those directly inside it."""
    try:
        if (folder / MANIFEST).is_file():
            return [folder]
        found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    except OSError as error:
        raise BundleError(
            f"{folder} cannot be read: {error.strerror}.", hint="Check its permissions.", code="bundle_missing"
        ) from None
    except ValueError as error:  # of a NUL in its name, from Python 3.13 on
        raise BundleError(f"{folder} cannot be read: {error}.", hint="Check its name.", code="bundle_missing") from None
    if not found:
        raise BundleError(
            f"There is no classifier in {folder}.",
            hint=f"Name a bundle (a folder with a {MANIFEST}), or a folder that holds bundles.",
            code="bundle_missing",
        )
    return found


def _add_file(source: Path, target: Path) -> FileEntry:
    shutil.copyfile(source, target)
    return entry_of(target)


def _verify_file(path: Path, entry: FileEntry) -> None:
    try:
        if not path.is_file():
            raise BundleError(
                f"{path} is missing from its bundle.", hint="Copy the bundle again.", code="bundle_missing"
            )
        size = path.stat().st_size
        if size > MAX_NETWORK_BYTES:
            raise BundleError(
                f"{path} has {size / 2**20:.0f} MB; a network's file has at most {MAX_NETWORK_BYTES / 2**20:.0f} MB.",
                hint="Export a smaller network.",
                code="bundle_files",
            )
        same = size == entry.size_bytes and sha256_of(path) == entry.sha256
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.", code="bundle_missing"
        ) from None
    if not same:
        raise BundleError(
            f"{path} is not the file that was trained: its checksum differs from the manifest's.",
            hint="Copy the bundle again, or train it again.",
            code="bundle_checksum",
        )


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        return read_object(path)
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read: {error.strerror}.", hint="Name the bundle's folder.", code="bundle_missing"
        ) from None
    except ValueError as error:
        message = f"{path} is not a valid manifest: {str(error)[:200]}."
        raise BundleError(message, hint="Copy the bundle again.", code="bundle_manifest") from None
