"""Compiled datasets: features of windows with their labels and origins, in a self-describing folder.

mydataset/
  manifest.json               features, classes, label tree, counts, checksums, provenance
  manifest.sha256             the checksum of manifest.json, for `sha256sum -c`
  origins.csv                 one row per sample: file, offset_s, channel, time, group
  shards/00000.features.npy   float32 (n, frames, mels), dB
  shards/00000.labels.npy     int32 (n,), index into the manifest's classes
  …

Read and written with NumPy alone; `np.load(shard, mmap_mode="r")` maps a shard.
"""

from tidzam.dataset.manifest import DatasetManifest, require_same_features
from tidzam.dataset.origins import Origin, Origins
from tidzam.dataset.reader import Dataset, open_dataset
from tidzam.dataset.writer import DatasetWriter, Draft

__all__ = [
    "Dataset",
    "DatasetManifest",
    "DatasetWriter",
    "Draft",
    "Origin",
    "Origins",
    "open_dataset",
    "require_same_features",
]
