"""A bundle: one trained classifier as a folder that describes itself. No pickle, no code.

birds/
  manifest.json   its classes, its input, its measured accuracy
  model.onnx      what runs by default
  model.tflite    what LiteRT runs: networks that others made
  model.keras     what trains on, and what TensorFlow runs
  forest.onnx     how unusual a window is, of bundles that find unusual sound
  range.tflite    which classes are likely at a place in a week, of networks that others made
  card.md         all that for a person to read, with pictures; no program does
"""

from tidzam.bundle.installed import cascade_folders, installed_model, installed_models, named_bundle, novelty_folders
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
from tidzam.bundle.novelty import FOREST, NOVEL, NormalScores, NoveltySpec
from tidzam.bundle.read import find_bundles, read_bundle, read_manifest
from tidzam.bundle.write import rewrite_manifest, write_bundle

__all__ = [
    "FILE_NAMES",
    "FOREST",
    "MANIFEST",
    "NOVEL",
    "RANGE_MODEL",
    "SELECTOR",
    "Bundle",
    "BundleManifest",
    "License",
    "NetworkFormat",
    "NormalScores",
    "NoveltySpec",
    "cascade_folders",
    "find_bundles",
    "installed_model",
    "installed_models",
    "named_bundle",
    "novelty_folders",
    "read_bundle",
    "read_manifest",
    "rewrite_manifest",
    "write_bundle",
]
