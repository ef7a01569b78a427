"""`bench search`: the sounds most similar to an example among many, against an exact search of the same embeddings.

The embeddings are generated: points around the centers of `CLUSTERS` kinds of sound in few dimensions, through a random
layer with a ReLU, as the last layer of a network takes them. They are written, indexed and searched by what the product
uses. Recall is the share of the ten nearest by 32-bit cosines that a search also returns.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil

from tidzam.progress import Say
from tidzam.sound_index.catalog import IndexAbout
from tidzam.sound_index.index import SoundIndex, open_writer
from tidzam.types import Float32

TITLE = "search by example among many embeddings: time, recall against an exact search, memory, size"

CLUSTERS: Final = 300
_DIMENSIONS: Final = 64
_WINDOW_MS: Final = 3000
_PER_RECORDING: Final = 200
"""Windows of one channel in a recording of ten minutes."""
_CHANNELS: Final = 4
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_BEST: Final = 10


def run(
    say: Say, *, embeddings: str = "1000000", values: str = "1024", queries: str = "50", seed: str = "0"
) -> dict[str, Any]:
    """`embeddings` of so many `values` each, as BirdNET has them; `queries` of the same kind, one at a time."""
    total, size = int(embeddings), int(values)
    generator = np.random.default_rng(int(seed))
    layer = generator.standard_normal((_DIMENSIONS, size)).astype(np.float32)
    centers = generator.standard_normal((CLUSTERS, _DIMENSIONS)).astype(np.float32)
    asked = _generated(generator, layer, centers, int(queries))
    figures: dict[str, Any] = {"embeddings": total, "values": size, "queries": int(queries)}
    with tempfile.TemporaryDirectory(prefix="tidzam-search-") as temporary:
        folder, nearest = Path(temporary), _ExactNearest(asked)
        say(f"writing {total:,} embeddings")
        began_s = time.monotonic()
        computing_s = 0.0
        with open_writer(folder, IndexAbout("generated", "1", _WINDOW_MS, size), max_bytes=10**12) as writer:
            per_file = _PER_RECORDING * _CHANNELS
            for number in range(total // per_file):
                started_s = time.monotonic()
                batch = _generated(generator, layer, centers, per_file)
                nearest.add(batch)
                computing_s += time.monotonic() - started_s
                recording = writer.begin("pond", f"/pond/{number}.flac", 1)
                start = _START + number * timedelta(milliseconds=_WINDOW_MS * _PER_RECORDING)
                shaped = batch.reshape(_CHANNELS, _PER_RECORDING, size)
                writer.add(recording, shaped, start=start, windows=_PER_RECORDING)
                writer.complete(recording)
        figures["written_s"] = round(time.monotonic() - began_s - computing_s, 1)
        index = SoundIndex(folder, IndexAbout("generated", "1", _WINDOW_MS, size))
        figures["megabytes"] = round(index.size_bytes / 1e6, 1)
        say(f"searching {len(asked)} times")
        return figures | _searched(index, asked, nearest.rows())


class _ExactNearest:
    """The rows that are nearest to each query by 32-bit cosines, found while the embeddings are made."""

    def __init__(self, queries: Float32) -> None:
        self._queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        self._best = np.full((len(queries), _BEST), -2.0, np.float32)
        self._rows = np.full((len(queries), _BEST), -1, np.int64)
        self._first = 0

    def add(self, batch: Float32) -> None:
        cosines = self._queries @ (batch / np.linalg.norm(batch, axis=1, keepdims=True)).T
        values = np.concatenate([self._best, cosines], axis=1)
        rows = np.concatenate(
            [self._rows, np.tile(np.arange(self._first, self._first + len(batch)), (len(values), 1))], axis=1
        )
        order = np.argsort(-values, axis=1)[:, :_BEST]
        self._best, self._rows = np.take_along_axis(values, order, 1), np.take_along_axis(rows, order, 1)
        self._first += len(batch)

    def rows(self) -> list[set[int]]:
        return [set(row) for row in self._rows.tolist()]


def _generated(generator: np.random.Generator, layer: Float32, centers: Float32, count: int) -> Float32:
    points = centers[generator.integers(0, len(centers), count)]
    points = points + 0.7 * generator.standard_normal(points.shape).astype(np.float32)
    noise = 2 * generator.standard_normal((count, layer.shape[1])).astype(np.float32)
    made: Float32 = np.maximum(points @ layer + noise - 2, 0)
    return made


def _searched(index: SoundIndex, queries: Float32, nearest: Sequence[set[int]]) -> dict[str, Any]:
    process = psutil.Process()
    began_s = time.monotonic()
    index.search(queries[:1], count=_BEST)
    first_ms = 1000 * (time.monotonic() - began_s)
    took_ms, cpu_ms, in_a_channel_ms, hits = [], [], [], 0
    for query, exact in zip(queries, nearest, strict=True):
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        index.search(query[np.newaxis], count=_BEST)
        took_ms.append(1000 * (time.monotonic() - began_s))
        cpu_ms.append(1000 * (time.process_time() - began_cpu_s))
        began_s = time.monotonic()
        index.search(query[np.newaxis], count=_BEST, channels=["pond:out_0"])
        in_a_channel_ms.append(1000 * (time.monotonic() - began_s))
        rows, _ = index.vectors.nearest(query[np.newaxis], [(0, len(index.layout()))], _BEST)
        hits += len(exact & set(rows.tolist()))
    return {
        "recall_at_10": round(hits / (_BEST * len(queries)), 4),
        "first_ms": round(first_ms, 1),
        "p50_ms": round(float(np.percentile(took_ms, 50)), 1),
        "p95_ms": round(float(np.percentile(took_ms, 95)), 1),
        "processor_p50_ms": round(float(np.percentile(cpu_ms, 50)), 1),
        "one_of_four_channels_p50_ms": round(float(np.percentile(in_a_channel_ms, 50)), 1),
        "memory_mb": round((process.memory_info().rss - process.memory_info().shared) / 1e6, 1),
    }
