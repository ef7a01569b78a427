"""A bundle: one trained classifier as a folder that describes itself. No pickle, no code.

birds/
  manifest.json   its classes, its input, its measured accuracy
  model.onnx      what runs by default
  model.tflite    what LiteRT runs: networks that others made
  model.keras     what trains on, and what TensorFlow runs
  range.tflite    which classes are likely at a place in a week, of networks that others made
  card.md         all that for a person to read, with pictures; no program does
"""

from tidzam.bundle.installed import cascade_folders, installed_model, installed_models
from tidzam.bundle.manifest import (
    FILE_NAMES,
    MANIFEST,
    RANGE_MODEL,
    SELECTOR,
    Bundle,
    BundleManifest,
    License,
    NetworkFormat,
)
from tidzam.bundle.read import find_bundles, read_bundle, read_manifest
from tidzam.bundle.write import rewrite_manifest, write_bundle

__all__ = [
    "FILE_NAMES",
    "MANIFEST",
    "RANGE_MODEL",
    "SELECTOR",
    "Bundle",
    "BundleManifest",
    "License",
    "NetworkFormat",
    "cascade_folders",
    "find_bundles",
    "installed_model",
    "installed_models",
    "read_bundle",
    "read_manifest",
    "rewrite_manifest",
    "write_bundle",
]
