"""Reading bundles, verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tidzam.bundle.manifest import FORMAT_VERSION, MANIFEST, Bundle, BundleManifest
from tidzam.bundle.onnx_files import external_files
from tidzam.errors import BundleError
from tidzam.manifest_fields import FileEntry, faults_of, read_object, sha256_of

MAX_NETWORK_BYTES: Final = 2**31
"""The maximum length of a protobuf message, such as an ONNX file."""


def read_bundle(folder: Path) -> Bundle:
    """Read and verify a bundle: its manifest, and every file that its networks read.

    Files that the manifest does not list are documentation; no network may read them. Symbolic links are followed,
    since their targets must have the checksums. Nothing in the bundle is run: `tidzam.inference.trial` does that.

    Raises BundleError with the reason: `bundle_missing`, `bundle_version`, `bundle_manifest`, `bundle_checksum`,
    `bundle_files`.
    """
    manifest = read_manifest(folder)
    for entry in manifest.all_files:
        _verify_file(folder / entry.name, entry)
    bundle = Bundle(folder, manifest)
    _check_external_files(bundle)
    return bundle


def read_manifest(folder: Path) -> BundleManifest:
    """What a bundle states about itself; its other files are not read.

    Raises BundleError with the reason: `bundle_missing`, `bundle_version`, `bundle_manifest`.
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
        return BundleManifest.model_validate(values)
    except ValidationError as error:
        message = f"Invalid manifest of bundle {folder}: {faults_of(error)}."
        raise BundleError(message, code="bundle_manifest") from None


def _check_external_files(bundle: Bundle) -> None:
    """Raises BundleError if an ONNX graph reads a file that the manifest does not list."""
    manifest = bundle.manifest
    paths = [bundle.file("onnx")] if "onnx" in manifest.files else []
    paths += [] if manifest.novelty is None else [bundle.folder / manifest.novelty.forest.name]
    for path in paths:
        _check_external_files_of(path, {entry.name for entry in manifest.data})


def _check_external_files_of(path: Path, listed: set[str]) -> None:
    try:
        read = external_files(path.read_bytes())
    except ValueError as error:
        raise BundleError(
            f"{path} is not an ONNX file: {error}.", hint="Export the bundle again.", code="bundle_engine"
        ) from None
    if unknown := sorted(read - listed):
        raise BundleError(
            f"{path} reads the file {unknown[0][:80]!r}, which the manifest's 'data' does not list with a checksum.",
            hint="Export the network with its weights inside, or list the file; it must lie in the bundle's folder.",
            code="bundle_files",
        )


def find_bundles(folder: Path) -> list[Path]:
    """The bundles in `folder`, by name: the folder itself if it is one, else those directly inside it.

    Hidden folders are left out: a bundle that is being written is one.
    """
    try:
        if (folder / MANIFEST).is_file():
            return [folder]
        found = sorted(path.parent for path in folder.glob(f"[!.]*/{MANIFEST}"))
    except OSError as error:
        raise BundleError(
            f"{folder} cannot be read: {error.strerror}.", hint="Check its permissions.", code="bundle_missing"
        ) from None
    except ValueError as error:  # of a NUL in its name, from Python 3.13 on
        raise BundleError(f"{folder} cannot be read: {error}.", hint="Check its name.", code="bundle_missing") from None
    if not found:
        raise BundleError(
            f"{folder} holds no classifier.",
            hint=f"Specify a bundle (a folder with a {MANIFEST}), or a folder that holds bundles.",
            code="bundle_missing",
        )
    return found


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
            f"{path} cannot be read: {error.strerror}.", hint="Specify the bundle's folder.", code="bundle_missing"
        ) from None
    except ValueError as error:
        message = f"{path} is not a valid manifest: {str(error)[:200]}."
        raise BundleError(message, hint="Copy the bundle again.", code="bundle_manifest") from None
