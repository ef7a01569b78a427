"""Recordings of tones in a node's home and store, and an index of them by a small network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import soundfile
import yaml

from tests.support.embedding_models import write_hidden_layer_bundle
from tests.support.training import SPEC, tone
from tidzam.bundle import read_bundle, write_bundle
from tidzam.config import Settings
from tidzam.embeddings.network import open_embedding_network
from tidzam.embeddings.recognizer_layer import RecognizerLayer
from tidzam.labels import LabelTree
from tidzam.naming import recording_stem
from tidzam.paths import models_folder
from tidzam.sound_index.base import index_folder
from tidzam.sound_index.index import SoundIndex, SoundPeriod
from tidzam.sound_index.indexing import IndexingResult, index_archive
from tidzam.store.database import Store
from tidzam.store.records import RecordingRecord, RemovedRecordingsRecord
from tidzam.store.writer import StoreWriter

NODE: Final = "marsh"
BASE: Final = "levels"
START: Final = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
WINDOW: Final = timedelta(seconds=SPEC.window_s)
HIGH_HZ, LOW_HZ, MIDDLE_HZ = 3000.0, 300.0, 1500.0
ZONE: Final = ZoneInfo("UTC")


def settings_of(home: Path, **search: Any) -> Settings:
    """The settings of a node with the base `levels`, which is installed in its home."""
    folder = models_folder(home) / BASE
    if not folder.exists():
        write_hidden_layer_bundle(folder)
    return Settings.model_validate({"home": home, "node": {"name": NODE}, "search": {"base": BASE, **search}})


def write_recording(
    store: Store,
    folder: Path,
    frequencies_hz: Sequence[Sequence[float]],
    *,
    start: datetime = START,
    source: str = "pond",
) -> Path:
    """A recording of one window per item of `frequencies_hz`, with a tone on each channel, which the store lists."""
    channels = [
        np.concatenate([tone(hz, SPEC.window_s) for hz in tones]) for tones in zip(*frequencies_hz, strict=True)
    ]
    folder.mkdir(exist_ok=True)
    path = folder / f"{recording_stem(source, start)}.wav"
    soundfile.write(path, np.stack(channels, axis=1), SPEC.rate_hz)
    end = start + len(frequencies_hz) * WINDOW
    report(store, path, start=start, end=end, channels=len(channels), source=source)
    return path


def report(store: Store, path: Path, *, start: datetime, end: datetime, channels: int, source: str = "pond") -> None:
    """Let the store list a file."""
    values = {"path": str(path), "start": start, "end": end, "channels": channels, "bytes": path.stat().st_size}
    StoreWriter(store).write([RecordingRecord(node=NODE, source=source, max_amp=0.2, **values)])


def delete_recording(store: Store, path: Path, *, source: str = "pond") -> None:
    """Delete a recording as retention does."""
    path.unlink()
    StoreWriter(store).write([RemovedRecordingsRecord(node=NODE, source=source, paths=(str(path),))])


def index(settings: Settings, store: Store) -> IndexingResult:
    """Index what is new."""
    assert settings.home is not None
    return index_archive(settings, store, settings.home, say=lambda message: None)


def open_index(home: Path) -> SoundIndex:
    """The index that was made."""
    found = SoundIndex.open(index_folder(home, BASE))
    assert found is not None
    return found


def write_profile(home: Path, profile: dict[str, Any]) -> None:
    """The settings that the node of `home` was last started with."""
    (home / "profile.yaml").write_text(yaml.safe_dump(profile), encoding="utf-8")


def recordings_in(home: Path) -> int:
    """How many recordings have been indexed completely so far."""
    found = SoundIndex.open(index_folder(home, BASE))
    return 0 if found is None else sum(one.is_complete for one in found.catalog.recordings())


def write_recognizer(home: Path, name: str, *, index: SoundIndex, near: int, base_version: str = "") -> None:
    """Install a recognizer of the tag `whistle` whose probability is at its threshold for the window `near` of the
    recording, and far below it for those that are unlike that one."""
    bundle = read_bundle(models_folder(home) / BASE)
    start = START + near * WINDOW
    (row,) = index.rows_between(SoundPeriod("pond:out_0", start, start + WINDOW))
    embedding = index.embeddings(np.array([row]))[0]
    weights = (20 * embedding / np.linalg.norm(embedding))[:, np.newaxis].astype(np.float32)
    biases = -(embedding @ weights)
    manifest = bundle.manifest.model_copy(
        update={
            "name": name,
            "classes": ("whistle",),
            "labels": LabelTree.flat(("whistle",)),
            "activation": "sigmoid",
            "thresholds": {"whistle": 0.5},
            "root": True,
            "provenance": {"base": {"name": BASE, "version": base_version or bundle.manifest.version}},
        }
    )
    with open_embedding_network(bundle) as network, TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.onnx"
        network.write_recognizer(path, RecognizerLayer(weights, biases))
        write_bundle(models_folder(home) / name, manifest, {"onnx": path})
