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
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tidzam.errors import BundleError
from tidzam.labels import LabelTree
from tidzam.manifests import Features, FileEntry, Labels, entry_of, faults_of, sha256_of

FORMAT_VERSION: Final = 1
MANIFEST = "manifest.json"
SELECTOR = "selector"
"""The name of the classifier that every window goes through first."""

Engine = Literal["onnx", "keras"]
FILE_NAMES: Mapping[Engine, str] = {"onnx": "model.onnx", "keras": "model.keras"}


class Manifest(BaseModel):
    """What `manifest.json` holds. Outputs of the model are `classes`, in that order."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    features: Features
    hop_s: float = Field(gt=0, description="Time from one window to the next in training.")
    classes: tuple[str, ...] = Field(min_length=1, strict=False)
    labels: Labels
    activation: Literal["sigmoid", "softmax"] = Field(
        description="sigmoid: several classes may sound at once; softmax: exactly one does."
    )
    thresholds: dict[str, float] = Field(description="For each class, the probability from which it is decided.")
    files: dict[Engine, FileEntry] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(description="Who trained it, when, from what, with which seed.")
    accuracy: dict[str, Any] = Field(description="What was measured, on which data. Never a promise.")

    @model_validator(mode="after")
    def _classes_agree(self) -> Manifest:
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("classes name one class twice")
        missing = [label for label in self.classes if label not in self.labels]
        if missing:
            raise ValueError(f"classes {missing} are not in the label tree")
        if set(self.thresholds) != set(self.classes):
            raise ValueError("thresholds and classes name different classes")
        return self

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
                hint="Choose another engine, or train the bundle anew.",
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
    """Read and verify a bundle.

    Raises BundleError with the reason: `bundle_missing`, `bundle_version`, `bundle_manifest`, `bundle_checksum`.
    """
    values = _read_json(folder / MANIFEST)
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise BundleError(
            f"{folder} is a bundle of format {version!r}; this Tidzam reads format {FORMAT_VERSION}.",
            hint="Train it again, or use the Tidzam that wrote it.",
            code="bundle_version",
        )
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as error:
        message = f"The manifest of bundle {folder} does not hold: {faults_of(error)}."
        raise BundleError(message, code="bundle_manifest") from None
    for entry in manifest.files.values():
        _verify_file(folder / entry.name, entry)
    return Bundle(folder, manifest)


def find_bundles(folder: Path) -> list[Path]:
    """The bundles in `folder`, by name: the folder itself if it is one, else those directly inside it."""
    if (folder / MANIFEST).is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
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
    if not path.is_file():
        raise BundleError(f"{path} is missing from its bundle.", hint="Copy the bundle again.", code="bundle_missing")
    if sha256_of(path) != entry.sha256:
        raise BundleError(
            f"{path} is not the file that was trained: its checksum differs from the manifest's.",
            hint="Copy the bundle again, or train it anew.",
            code="bundle_checksum",
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read: {error.strerror}.", hint="Name the bundle's folder.", code="bundle_missing"
        ) from None
    except ValueError as error:
        raise BundleError(f"{path} is not JSON: {error}.", hint="Copy it again.", code="bundle_manifest") from None
    if not isinstance(values, dict):
        raise BundleError(f"{path} is not a JSON object.", hint="Copy it again.", code="bundle_manifest")
    return values
