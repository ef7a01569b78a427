"""Embeddings that were computed before, in the home of a node, so that a training need not compute them again."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tidzam.atomic import write_atomically
from tidzam.paths import cache_folder
from tidzam.types import Float32

log = logging.getLogger(__name__)

FOLDER: Final = "embeddings"
MAX_BYTES: Final = 2 * 2**30
"""The embeddings of 500,000 windows by BirdNET. Those that were not used for the longest time are deleted first."""

Embeddings = dict[int, Float32]
"""Embeddings, shape (values,), by the time at which their windows start in a file, in milliseconds."""


@dataclass(frozen=True)
class AudioIdentity:
    """A channel of an audio file as it is now: the same path, size and time of change are the same sound."""

    path: str
    size_bytes: int
    modified_ns: int
    channel: int | None

    @classmethod
    def of(cls, path: Path, channel: int | None) -> AudioIdentity:
        """Raises OSError if there is no such file."""
        status = path.stat()
        return cls(str(path.resolve()), status.st_size, status.st_mtime_ns, channel)

    @property
    def key(self) -> str:
        text = f"{self.path}\0{self.size_bytes}\0{self.modified_ns}\0{self.channel}"
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


class EmbeddingCache:
    """Embeddings by bundle version and audio file, one file for each. Without a folder, nothing is kept.

    A file that cannot be read or written is as good as none.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder, self._max_bytes = folder, max_bytes

    @classmethod
    def in_home(cls, home: Path | None = None) -> EmbeddingCache:
        """That of a node, in its home; by default in that of the environment or the default one."""
        return cls(cache_folder(home) / FOLDER)

    def get(self, version: str, audio: AudioIdentity) -> Embeddings:
        """The embeddings of an audio file by the bundle of that version."""
        path = self._path(version, audio)
        if path is None:
            return {}
        try:
            with np.load(path, allow_pickle=False) as stored:
                starts_ms, values = stored["starts_ms"], stored["values"]
            os.utime(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}
        return dict(zip(starts_ms.tolist(), values.astype(np.float32), strict=False))

    def put(self, version: str, audio: AudioIdentity, embeddings: Mapping[int, Float32]) -> None:
        """Keep the embeddings of an audio file, in place of those that were kept for it."""
        path = self._path(version, audio)
        if path is None or not embeddings:
            return
        starts_ms = sorted(embeddings)
        stored = io.BytesIO()
        np.savez(stored, starts_ms=np.array(starts_ms), values=np.stack([embeddings[at] for at in starts_ms]))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, stored.getvalue())
        except OSError as error:
            log.warning("embeddings cannot be kept in %s: %s", path, error.strerror)

    def trim(self) -> int:
        """Delete what was not used for the longest time, down to the limit. Returns the number of bytes deleted."""
        if self._folder is None:
            return 0
        kept = sorted(map(_status, self._folder.glob("*/*.npz")), reverse=True)
        total = deleted = 0
        for _, size, path in kept:
            total += size
            if total > self._max_bytes:
                path.unlink(missing_ok=True)
                deleted += size
        return deleted

    def _path(self, version: str, audio: AudioIdentity) -> Path | None:
        return None if self._folder is None else self._folder / version / f"{audio.key}.npz"


def _status(path: Path) -> tuple[int, int, Path]:
    """When a file was used last, its size, and its path; zeros if it is gone."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0, path
    return status.st_mtime_ns, status.st_size, path
