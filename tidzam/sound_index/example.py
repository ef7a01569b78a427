"""The embeddings of a sound that others are compared with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np

from tidzam.audio.files import audio_length
from tidzam.embeddings.cache import EmbeddingCache
from tidzam.embeddings.network import EmbeddingNetwork
from tidzam.embeddings.windows import AudioWindow, embed_windows
from tidzam.errors import AudioError
from tidzam.types import Float32

_MOST: Final = 20
_SLACK: Final = 1e-6


def example_starts_s(start_s: float, end_s: float, window_s: float, length_s: float) -> list[float]:
    """Where the windows of an example begin, a section of a file of `length_s`, all in seconds: one window around the
    middle of a short one; at most 20 at equal distances in a long one.

    >>> example_starts_s(10.0, 10.5, 3.0, 60.0)
    [8.75]
    >>> example_starts_s(0.0, 6.0, 3.0, 60.0)
    [0.0, 3.0]
    """
    last = max(0.0, length_s - window_s)
    if end_s - start_s <= window_s + _SLACK:
        return [min(max(0.0, (start_s + end_s - window_s) / 2), last)]
    count = min(_MOST, math.ceil((end_s - start_s) / window_s - _SLACK))
    starts: list[float] = np.clip(np.linspace(start_s, end_s - window_s, count), 0.0, last).round(3).tolist()
    return starts


def embed_example(
    network: EmbeddingNetwork,
    path: Path,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    channel: int | None = None,
) -> Float32:
    """The embeddings, float32 (n, values), of a section of an audio file; without `channel`, of the mean of all.

    Raises AudioError.
    """
    frames, rate_hz = audio_length(path)
    length_s = frames / rate_hz
    end_s = length_s if end_s is None else min(end_s, length_s)
    if not 0 <= start_s < end_s:
        message = f"{path} has {length_s:.1f} s; there is nothing from {start_s:g} s to {end_s:g} s."
        raise AudioError(message, hint="Choose a section of the file.", code="audio_empty")
    starts_s = example_starts_s(start_s, end_s, network.spec.window_s, length_s)
    found = embed_windows(network, [AudioWindow(path, start_s, channel) for start_s in starts_s], EmbeddingCache())
    if found.bad:
        raise AudioError(found.bad[0].reason)
    return found.values
