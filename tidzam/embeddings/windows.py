"""The embeddings of windows of audio files: read in spans, computed by a network, kept in a cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from tidzam.audio.files import read_audio
from tidzam.audio.waveform import InputSpec, require_rate
from tidzam.audio.windows import network_inputs
from tidzam.embeddings.cache import AudioIdentity, EmbeddingCache, Embeddings
from tidzam.errors import AudioError
from tidzam.progress import Progress, no_progress
from tidzam.types import Float32

_LONGEST_SPAN_S: Final = 60.0
_LONGEST_GAP_S: Final = 5.0


@dataclass(frozen=True)
class AudioWindow:
    """A window of an audio file, as long as the windows of the network; what lies after the file's end is silence.

    `channel` counts from 0; None is the mean of all channels.
    """

    path: Path
    start_s: float
    channel: int | None = None

    @property
    def start_ms(self) -> int:
        return round(1000 * self.start_s)


class WindowNetwork(Protocol):
    """Makes vectors of windows, such as an `EmbeddingNetwork`."""

    @property
    def version(self) -> str:
        """Networks of the same version make the same vectors."""
        ...

    @property
    def spec(self) -> InputSpec:
        """What the network takes."""
        ...

    def embed(self, inputs: Float32) -> Float32:
        """Vectors, float32 (n, values), of inputs (n, *spec.shape)."""
        ...


@dataclass(frozen=True)
class UnreadableAudio:
    """A file whose windows have no embeddings, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class WindowEmbeddings:
    """`values`, float32 (m, values), of the windows with the indices `rows`, ascending, and the files that failed."""

    values: Float32
    rows: tuple[int, ...]
    bad: tuple[UnreadableAudio, ...] = ()


def embed_windows(
    network: WindowNetwork,
    windows: Sequence[AudioWindow],
    cache: EmbeddingCache,
    *,
    progress: Progress = no_progress,
) -> WindowEmbeddings:
    """The embeddings of windows. Those that `cache` lacks are computed, and kept there, file by file."""
    files: dict[tuple[Path, int | None], list[int]] = {}
    for row, window in enumerate(windows):
        files.setdefault((window.path, window.channel), []).append(row)
    found: dict[int, Float32] = {}
    bad: dict[Path, UnreadableAudio] = {}
    done = 0
    for (path, channel), rows in files.items():
        starts_ms = sorted({windows[row].start_ms for row in rows})
        try:
            embeddings = _of_file(network, path, channel, starts_ms, cache)
            found |= {row: embeddings[windows[row].start_ms] for row in rows}
        except (AudioError, OSError) as error:
            reason = error.message if isinstance(error, AudioError) else f"{path}: {error.strerror}"
            bad.setdefault(path, UnreadableAudio(path, reason))
        done += len(rows)
        progress(done, len(windows))
    cache.trim()
    kept = tuple(sorted(found))
    values = np.stack([found[row] for row in kept]) if kept else np.empty((0, 0), np.float32)
    return WindowEmbeddings(values, kept, tuple(bad.values()))


def spans(starts_ms: Sequence[int], window_ms: int) -> Iterator[tuple[int, int]]:
    """The first and the last of windows that are read together: those that follow one another closely. Pure.

    >>> list(spans([0, 3000, 6000, 60_000], 3000))
    [(0, 6000), (60000, 60000)]
    """
    first = last = None
    for start in starts_ms:
        if first is None or last is None:
            first = last = start
        elif start - last - window_ms <= 1000 * _LONGEST_GAP_S and start - first <= 1000 * _LONGEST_SPAN_S:
            last = start
        else:
            yield first, last
            first = last = start
    if first is not None and last is not None:
        yield first, last


def _of_file(
    network: WindowNetwork, path: Path, channel: int | None, starts_ms: Sequence[int], cache: EmbeddingCache
) -> Mapping[int, Float32]:
    """Raises AudioError, OSError."""
    identity, version = AudioIdentity.of(path, channel), network.version
    known: Embeddings = cache.get(version, identity)
    missing = [start for start in starts_ms if start not in known]
    window_ms = round(1000 * network.spec.window_s)
    for first, last in spans(missing, window_ms):
        wanted = [start for start in missing if first <= start <= last]
        samples, rate_hz = _read(path, channel, first / 1000, (last - first) / 1000 + network.spec.window_s)
        require_rate(rate_hz, [network.spec])
        inputs = network_inputs(_cut(samples, rate_hz, wanted, first, network.spec.window_s), rate_hz, network.spec)
        known |= dict(zip(wanted, network.embed(inputs), strict=True))
    if missing:
        cache.put(version, identity, known)
    return known


def _read(path: Path, channel: int | None, start_s: float, duration_s: float) -> tuple[Float32, int]:
    """Samples, float32 (n,), of a part of a channel, and their rate."""
    samples, rate_hz = read_audio(path, start_s=start_s, duration_s=duration_s)
    if channel is None:
        return samples.mean(axis=0, dtype=np.float32), rate_hz
    if channel >= len(samples):
        raise AudioError(
            f"{path} has {len(samples)} channels; channel {channel} does not exist.",
            hint="Channels are counted from 0.",
        )
    return samples[channel], rate_hz


def _cut(samples: Float32, rate_hz: int, starts_ms: Sequence[int], first_ms: int, window_s: float) -> Float32:
    """The windows, float32 (n, frames), of `samples`, which begin at `first_ms`."""
    frames = round(window_s * rate_hz)
    found = np.zeros((len(starts_ms), frames), np.float32)
    for window, start in zip(found, starts_ms, strict=True):
        begin = round((start - first_ms) * rate_hz / 1000)
        part = samples[begin : begin + frames]
        window[: len(part)] = part
    return found
