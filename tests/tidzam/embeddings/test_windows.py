"""The embeddings of windows of files, and the cache that keeps them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.embedding_models import write_hidden_layer_bundle
from tests.support.training import SPEC, tone
from tidzam.audio.windows import network_inputs
from tidzam.embeddings.cache import AudioIdentity, EmbeddingCache
from tidzam.embeddings.network import EmbeddingNetwork, open_embedding_network
from tidzam.embeddings.windows import AudioWindow, embed_windows, spans
from tidzam.types import Float32


class Counting(EmbeddingNetwork):
    """The network, which counts the windows that it is run on."""

    computed = 0

    def embed(self, inputs: Float32) -> Float32:
        self.computed += len(inputs)
        return super().embed(inputs)


@pytest.fixture
def network(tmp_path: Path) -> Counting:
    with open_embedding_network(write_hidden_layer_bundle(tmp_path / "levels")) as opened:
        return Counting(opened.base, opened.file_format, opened._content, opened._network)


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.wav"
    soundfile.write(path, np.concatenate([tone(hz, 0.5) for hz in (500, 1500, 2500, 3500)]), 8000, subtype="FLOAT")
    return path


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "cache")


def test_a_window_is_cut_where_it_begins(network: Counting, sweep: Path, cache: EmbeddingCache) -> None:
    found = embed_windows(network, [AudioWindow(sweep, 1.1)], cache)
    samples = tone(2500, 0.5)[800:2800][None]
    assert found.values == pytest.approx(network.embed(network_inputs(samples, 8000, SPEC)), abs=1e-4)


def test_windows_keep_their_order(network: Counting, sweep: Path, cache: EmbeddingCache) -> None:
    forth = embed_windows(network, [AudioWindow(sweep, start) for start in (0.0, 1.0, 1.5)], EmbeddingCache())
    back = embed_windows(network, [AudioWindow(sweep, start) for start in (1.5, 1.0, 0.0)], EmbeddingCache())
    assert back.values[::-1] == pytest.approx(forth.values, abs=1e-6)


def test_known_windows_are_not_computed_again(network: Counting, sweep: Path, cache: EmbeddingCache) -> None:
    embed_windows(network, [AudioWindow(sweep, 0.0), AudioWindow(sweep, 0.5)], cache)
    embed_windows(network, [AudioWindow(sweep, 0.5), AudioWindow(sweep, 1.0)], cache)
    assert network.computed == 3


def test_cached_embeddings_are_those_that_were_computed(network: Counting, sweep: Path, cache: EmbeddingCache) -> None:
    windows = [AudioWindow(sweep, 0.0), AudioWindow(sweep, 0.5)]
    first, second = (embed_windows(network, windows, cache).values for _ in range(2))
    assert np.array_equal(first, second)


def test_a_changed_file_is_computed_again(network: Counting, sweep: Path, cache: EmbeddingCache) -> None:
    embed_windows(network, [AudioWindow(sweep, 0.0)], cache)
    os.utime(sweep, ns=(1, 1))
    embed_windows(network, [AudioWindow(sweep, 0.0)], cache)
    assert network.computed == 2


def test_an_unreadable_file_is_left_out_with_its_reason(
    network: Counting, sweep: Path, cache: EmbeddingCache, tmp_path: Path
) -> None:
    found = embed_windows(network, [AudioWindow(tmp_path / "gone.wav", 0.0), AudioWindow(sweep, 0.0)], cache)
    assert (found.rows, [one.path.name for one in found.bad]) == ((1,), ["gone.wav"])


def test_audio_without_the_band_of_the_network_is_left_out(network: Counting, cache: EmbeddingCache) -> None:
    path = network.base.folder.parent / "slow.wav"
    soundfile.write(path, tone(500, 1.0, 4000), 4000)
    assert "4000 Hz" in embed_windows(network, [AudioWindow(path, 0.0)], cache).bad[0].reason


def test_the_least_recently_used_embeddings_are_deleted_first(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "cache", max_bytes=6000)
    audio = [AudioIdentity(name, 1, 1, None) for name in ("old", "new")]
    for one in audio:
        cache.put("v", one, {0: np.zeros(1000, np.float32)})
    os.utime(tmp_path / "cache" / "v" / f"{audio[0].key}.npz", ns=(1, 1))
    cache.trim()
    assert [bool(cache.get("v", one)) for one in audio] == [False, True]


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    cache, audio = EmbeddingCache(tmp_path / "cache"), AudioIdentity("a", 1, 1, None)
    cache.put("v", audio, {0: np.zeros(4, np.float32)})
    (tmp_path / "cache" / "v" / f"{audio.key}.npz").write_bytes(b"PK\3\4 cut")
    assert cache.get("v", audio) == {}


def test_distant_windows_are_not_read_together() -> None:
    assert list(spans([0, 1000, 30_000], 1000)) == [(0, 1000), (30_000, 30_000)]


def test_a_span_is_bounded() -> None:
    assert max(last - first for first, last in spans(range(0, 600_000, 1000), 1000)) == 60_000
