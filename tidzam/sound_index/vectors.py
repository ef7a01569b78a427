"""Embeddings as rows of 8-bit integers in a file, and the rows that are most similar to others by their cosine."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tidzam.errors import SetupError
from tidzam.sound_index.rows import Rows
from tidzam.types import Float32

Int8 = NDArray[np.int8]

_FULL_SCALE: Final = 127
_PART: Final = 1 << 17
"""Rows that are compared at once, within about 10 ms, so that other threads of the program get their turns."""
_MANY: Final = 1 << 14


def quantized(embeddings: Float32) -> tuple[Int8, Float32]:
    """Embeddings (n, values) as 8-bit integers, and what each row is multiplied by to restore it, float32 (n,)."""
    scales = np.abs(embeddings).max(axis=1, initial=0.0) / _FULL_SCALE
    divisors = np.where(scales > 0, scales, 1.0)[:, None]
    return np.rint(embeddings / divisors).astype(np.int8), scales.astype(np.float32)


def restored(rows: Int8, scales: Float32) -> Float32:
    """Embeddings, float32 (n, values), as they were to within half a step of their quantization."""
    return rows.astype(np.float32) * scales[:, None]


class VectorFiles:
    """Rows of `values` 8-bit integers in the file `vectors.i8` of a folder; their scales, float32, in `scales.f32`."""

    def __init__(self, folder: Path, values: int) -> None:
        self._vectors, self._scales = folder / "vectors.i8", folder / "scales.f32"
        self.values = values

    @property
    def size_bytes(self) -> int:
        """What both files take on disk."""
        return sum(path.stat().st_size for path in (self._vectors, self._scales) if path.exists())

    def write(self, places: Sequence[Rows], embeddings: Float32) -> None:
        """Write embeddings (n, values) to `places`, n rows together. They are on disk at the end. Raises OSError."""
        rows, scales = quantized(embeddings)
        for path, content in ((self._vectors, rows), (self._scales, scales)):
            width, at = content.itemsize * (self.values if content.ndim > 1 else 1), 0
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            with os.fdopen(descriptor, "r+b") as file:
                for first, count in places:
                    file.seek(first * width)
                    file.write(content[at : at + count].tobytes())
                    at += count
                file.flush()
                os.fsync(file.fileno())

    def read(self, places: Iterable[Rows]) -> Float32:
        """The embeddings, float32 (n, values), in some places. Raises OSError."""
        rows, scales = self._map(self._vectors, np.int8), self._map(self._scales, np.float32)
        found = [restored(rows[first : first + count], scales[first : first + count]) for first, count in places]
        return np.concatenate(found) if found else np.zeros((0, self.values), np.float32)

    def nearest(self, queries: Float32, places: Iterable[Rows], count: int) -> tuple[NDArray[np.int64], Float32]:
        """The `count` rows in `places` that are most similar to one of `queries` (q, values), the best first.

        Returns their numbers and cosine similarities, shape (n,) each. Every row is compared, by the functions for
        8-bit integers of this machine's processor. Raises SetupError if the part `search` is missing, OSError.
        """
        vectors, distances = self._map(self._vectors, np.int8), _distances()
        wanted = quantized(np.ascontiguousarray(queries))[0]
        parts = [
            (begin, min(_PART, first + rows - begin))
            for first, rows in places
            for begin in range(first, first + rows, _PART)
        ]
        if not parts:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        similarities = np.concatenate(
            [1 - distances(wanted, vectors[begin : begin + rows]).min(axis=0) for begin, rows in parts]
        )
        numbers = np.concatenate([np.arange(begin, begin + rows) for begin, rows in parts])
        best = _largest(similarities, count)
        order = best[np.lexsort((numbers[best], -similarities[best]))]
        return numbers[order], similarities[order].astype(np.float32)

    def _map(self, path: Path, dtype: Any) -> NDArray[Any]:
        size = path.stat().st_size if path.exists() else 0
        is_vectors = path == self._vectors
        width = np.dtype(dtype).itemsize * (self.values if is_vectors else 1)
        shape: tuple[int, ...] = (size // width, self.values) if is_vectors else (size // width,)
        if not shape[0]:
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", shape=shape)


def search_is_installed() -> bool:
    """Whether the part `search` is there."""
    return importlib.util.find_spec("numkong") is not None


def require_search() -> None:
    """Raises SetupError if the part `search` is missing."""
    _distances()


def _largest(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Where the `count` largest values are, in no order."""
    return np.arange(len(values)) if len(values) <= count else np.argpartition(-values, count)[:count]


def _distances() -> Callable[[Int8, Int8], NDArray[np.float64]]:
    """The function of 1 - cosine, float64 (q, n), of rows (q, values) and (n, values). Raises SetupError."""
    try:
        import numkong
    except ImportError as error:
        raise SetupError(
            f"Similar sounds cannot be searched: {error}.",
            hint="Install the package with `tidzam install search` or pip install 'tidzam[search]'.",
        ) from None

    def distances(queries: Int8, rows: Int8) -> NDArray[np.float64]:
        usable = max(1, len(os.sched_getaffinity(0)) // 2)  # the others are for the rest of the node
        threads = usable if len(rows) >= _MANY else 1  # to start threads takes longer than to compare a few
        return np.asarray(numkong.cdist(queries, rows, metric="angular", threads=threads))

    return distances
