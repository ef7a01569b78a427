"""Indexing: the windows of recordings through the network of the base into an index, batch by batch."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from tidzam.audio.files import open_audio
from tidzam.audio.waveform import require_rate
from tidzam.audio.windows import cut_windows, network_inputs
from tidzam.bundle import Bundle
from tidzam.config import Settings
from tidzam.embeddings.network import EmbeddingNetwork, open_embedding_network
from tidzam.errors import AudioError
from tidzam.inference.engine_records import EngineRecords
from tidzam.progress import Progress, Say, no_progress
from tidzam.sound_index.archive import ArchivedRecording, archived_recordings, plan_indexing
from tidzam.sound_index.base import choose_base, index_folder
from tidzam.sound_index.catalog import IndexAbout
from tidzam.sound_index.index import SoundIndex, SoundIndexWriter, open_writer
from tidzam.sound_index.vectors import require_search
from tidzam.store.database import Store
from tidzam.types import Float32

_BATCH: Final = 64
"""Windows of all channels that are computed and written together: what a crash costs."""
_SCALE_BYTES: Final = 4
_BYTES_PER_GB: Final = 1_000_000_000


@dataclass(frozen=True)
class IndexingResult:
    """What an indexing did: recordings that were `added` and `removed`, and those that cannot be read, with reasons."""

    added: int
    removed: int
    windows: int
    unreadable: tuple[tuple[str, str], ...]


def give_way() -> None:
    """From now on, let this process run only when no other one wants the processor or the disk."""
    os.nice(19)
    process = psutil.Process()
    process.ionice(psutil.IOPRIO_CLASS_IDLE)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def index_archive(
    settings: Settings, store: Store, home: Path, *, say: Say, progress: Progress = no_progress
) -> IndexingResult:
    """Bring the index of the node's base up to date with its recordings. `progress` counts windows.

    May be stopped at any time: the next indexing goes on from the last batch. Raises SetupError if a part is missing,
    BundleError if the base cannot be used, NodeError (`search_busy`), StoreError, OSError and sqlite3.Error.
    """
    require_search()
    base = choose_base(settings, home)
    if _is_current(settings, store, home, base):
        return IndexingResult(0, 0, 0, ())
    with open_embedding_network(base, threads=1, records=EngineRecords.in_home(home)) as network:
        about = about_of(network)
        max_bytes = round(settings.search.gb * _BYTES_PER_GB)
        with open_writer(index_folder(home, base.name), about, max_bytes=max_bytes) as writer:
            capacity = capacity_of(settings, about)
            archive = archived_recordings(
                store, settings.node.known_as, window_s=network.spec.window_s, capacity=capacity
            )
            return _updated(writer, network, archive, capacity=capacity, say=say, progress=progress)


def capacity_of(settings: Settings, about: IndexAbout) -> int:
    """How many windows an index may hold."""
    return round(settings.search.gb * _BYTES_PER_GB) // (about.values + _SCALE_BYTES)


def _is_current(settings: Settings, store: Store, home: Path, base: Bundle) -> bool:
    """Whether there is nothing to do, which is known without loading the network."""
    try:
        return _is_up_to_date(settings, store, SoundIndex.open(index_folder(home, base.name)), base)
    except sqlite3.Error:  # it is damaged: it is made again
        return False


def _is_up_to_date(settings: Settings, store: Store, known: SoundIndex | None, base: Bundle) -> bool:
    if known is None or (known.about.base, known.about.version) != (base.name, base.manifest.version):
        return False
    if known.vectors.size_bytes > settings.search.gb * _BYTES_PER_GB:
        return False
    window_s, capacity = known.about.window_ms / 1000, capacity_of(settings, known.about)
    archive = archived_recordings(store, settings.node.known_as, window_s=window_s, capacity=capacity)
    plan = plan_indexing(archive, known.catalog.recordings(), window_s=window_s, capacity=capacity)
    return not plan.remove and not any(Path(one.path).exists() for one in plan.add)


def about_of(network: EmbeddingNetwork) -> IndexAbout:
    """What an index of the embeddings of a network holds."""
    values = network.embed(np.zeros((1, *network.spec.shape), np.float32)).shape[1]
    manifest = network.base.manifest
    return IndexAbout(network.base.name, manifest.version, round(1000 * network.spec.window_s), values)


def _updated(
    writer: SoundIndexWriter,
    network: EmbeddingNetwork,
    archive: Sequence[ArchivedRecording],
    *,
    capacity: int,
    say: Say,
    progress: Progress,
) -> IndexingResult:
    window_s = network.spec.window_s
    plan = plan_indexing(archive, writer.recordings(), window_s=window_s, capacity=capacity)
    writer.remove(plan.remove)
    total, done, unreadable = sum(one.windows(window_s) for one in plan.add), 0, list[tuple[str, str]]()
    added = 0
    for one in plan.add:
        begun = plan.begun.get(one)
        number = begun.id if begun else writer.begin(one.source, one.path, one.bytes)
        try:
            for count in _index_recording(writer, network, one, number, first=begun.windows if begun else 0):
                done, added = done + count, added + count
                progress(min(done, total), total)
        except AudioError as error:
            unreadable.append((one.path, error.message))
            say(f"not indexed: {error.message}")
            if Path(one.path).exists():  # else its disk may be mounted later
                writer.complete(number, fault=error.message)
        else:
            writer.complete(number)
    return IndexingResult(len(plan.add) - len(unreadable), len(plan.remove), added, tuple(unreadable))


def _index_recording(
    writer: SoundIndexWriter, network: EmbeddingNetwork, recording: ArchivedRecording, number: int, *, first: int
) -> Iterator[int]:
    """Index a recording from the window `first` of its channels on. Yields the number of windows of each batch, which
    is then on disk. Raises AudioError."""
    window_s = network.spec.window_s
    done = first
    for embeddings in _embeddings(network, Path(recording.path), start_s=first * window_s):
        start = recording.start + timedelta(seconds=done * window_s)
        done += embeddings.shape[1]
        writer.add(number, embeddings, start=start, windows=done)
        yield embeddings.shape[0] * embeddings.shape[1]


def _embeddings(network: EmbeddingNetwork, path: Path, *, start_s: float) -> Iterator[Float32]:
    """Embeddings, float32 (channels, n, values), of consecutive windows of a file. Raises AudioError."""
    with open_audio(path, start_s=start_s) as audio:
        require_rate(audio.rate_hz, [network.spec])
        frames = round(network.spec.window_s * audio.rate_hz)
        batch: list[Float32] = []
        for window in cut_windows(audio.blocks(), window=frames, hop=frames):
            batch.append(window.samples)
            if len(batch) * audio.channels >= _BATCH:
                yield _embedded(network, batch, audio.rate_hz)
                batch = []
        if batch:
            yield _embedded(network, batch, audio.rate_hz)


def _embedded(network: EmbeddingNetwork, windows: Sequence[Float32], rate_hz: int) -> Float32:
    """Embeddings, float32 (channels, n, values), of n windows, float32 (channels, frames) each."""
    samples = np.stack(windows, axis=1)
    flat = samples.reshape(-1, samples.shape[2])
    found = network.embed(network_inputs(flat, rate_hz, network.spec))
    return found.reshape(samples.shape[0], samples.shape[1], -1)
