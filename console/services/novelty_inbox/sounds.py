"""The embeddings of detections: of their clips, or of what was recorded of them."""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from console.services.search.network import ExampleNetwork
from console.services.sound import cut_sound
from console.services.sound_places import clip_file, is_of_this_node
from tidzam.atomic import write_atomically
from tidzam.audio.files import audio_length
from tidzam.bundle import BundleManifest
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.naming import parse_clip_name
from tidzam.paths import cache_folder
from tidzam.store.database import Store
from tidzam.store.queries.detections import StoredDetection
from tidzam.types import Float32

log = logging.getLogger(__name__)

FOLDER: Final = "novelty"
Base = tuple[Path, BundleManifest]
"""A bundle whose embeddings are compared: its folder and its manifest."""
_LONGEST_S: Final = 60.0
"""What lies behind so much of a detection does not count."""


def sound_key(one: StoredDetection) -> str:
    """The identity of the sound of a detection, also in another store."""
    text = f"{one.node}\0{one.channel}\0{one.start.isoformat()}\0{one.end.isoformat()}\0{one.model}"
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


def embed_detection(
    settings: Settings, store: Store, network: ExampleNetwork, base: Base, one: StoredDetection
) -> Float32:
    """The mean embedding, float32 (values,), of the windows of a detection.

    Raises RequestError (`no_recording`) if there is no sound of it, (`still_recording`, `busy`) if there is none yet;
    AudioError, BundleError, SetupError and OSError.
    """
    folder, manifest = base
    length_s = min((one.end - one.start).total_seconds(), _LONGEST_S)
    margin_s = max(0.0, manifest.input.window_s - length_s) / 2
    clip = clip_file(settings, one.clip) if one.clip else None
    if clip is not None:
        begin_s, end_s = _section_of_clip(clip, one, margin_s, length_s)
        found = network.embed(folder, manifest, settings.home, clip, start_s=begin_s, end_s=end_s)
        return np.asarray(found.mean(axis=0), np.float32)
    if not is_of_this_node(settings, one.node):
        raise RequestError("Another node heard it.", hint="See the console of that node.", code="no_recording")
    with TemporaryDirectory(prefix="tidzam-novelty-") as temporary:
        path, begin = Path(temporary) / "sound.flac", one.start - timedelta(seconds=margin_s)
        cut_sound(settings, store, one.channel, begin, length_s + 2 * margin_s, path)
        found = network.embed(folder, manifest, settings.home, path, start_s=0.0, end_s=length_s + 2 * margin_s)
    return np.asarray(found.mean(axis=0), np.float32)


def _section_of_clip(clip: Path, one: StoredDetection, margin_s: float, length_s: float) -> tuple[float, float]:
    """The seconds of a clip that hold the detection; all of it if its name says another time. Raises AudioError."""
    frames, rate_hz = audio_length(clip)
    name = parse_clip_name(clip)
    begins = name.time if name is not None else one.start
    start_s = (one.start - begins).total_seconds()
    begin_s, end_s = max(0.0, start_s - margin_s), min(frames / rate_hz, start_s + length_s + margin_s)
    return (begin_s, end_s) if begin_s < end_s else (0.0, frames / rate_hz)


class KeptEmbeddings:
    """The embeddings of sounds by the bundle of a version, in a file of the node's home, so that a restart need not
    compute them again. A file that cannot be read or written is as good as none."""

    def __init__(self, home: Path | None, version: str) -> None:
        self._path = cache_folder(home) / FOLDER / f"{version}.npz"

    def read(self) -> dict[str, Float32]:
        """What is kept, by the keys of sounds."""
        try:
            with np.load(self._path, allow_pickle=False) as stored:
                keys, values = stored["keys"].tolist(), stored["values"].astype(np.float32)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}
        return dict(zip(keys, values, strict=False))

    def write(self, embeddings: Mapping[str, Float32], wanted: Iterable[str]) -> None:
        """Keep those that are `wanted`, and nothing else."""
        keys = [key for key in wanted if key in embeddings]
        stored = io.BytesIO()
        values = np.stack([embeddings[key] for key in keys]) if keys else np.zeros((0, 0), np.float32)
        np.savez(stored, keys=np.array(keys), values=values)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, stored.getvalue())
        except OSError as error:
            log.warning("embeddings cannot be kept in %s: %s", self._path, error.strerror)
