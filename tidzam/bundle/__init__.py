"""A bundle: one trained classifier as a folder that describes itself. No pickle, no code.

birds/
  manifest.json   its classes, its input, its measured accuracy
  model.onnx      what runs by default
  model.keras     what trains on, and what TensorFlow runs
  card.md         all that for a person to read, with pictures; no program does
"""

from tidzam.bundle.manifest import FILE_NAMES, MANIFEST, SELECTOR, Bundle, BundleManifest, NetworkFormat
from tidzam.bundle.read import find_bundles, read_bundle
from tidzam.bundle.write import rewrite_manifest, write_bundle

__all__ = [
    "FILE_NAMES",
    "MANIFEST",
    "SELECTOR",
    "Bundle",
    "BundleManifest",
    "NetworkFormat",
    "find_bundles",
    "read_bundle",
    "rewrite_manifest",
    "write_bundle",
]
