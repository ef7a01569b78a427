"""Synthetic sounds, and their embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.embedding_models import write_hidden_layer_bundle
from tidzam.embeddings.cache import EmbeddingCache
from tidzam.embeddings.network import EmbeddingNetwork, open_embedding_network
from trainer.openset.synthetic import COUNT, synthetic_embeddings, synthetic_window


@pytest.mark.parametrize("number", range(6))
def test_a_window_of_each_kind_is_heard_and_not_clipped_throughout(number: int) -> None:
    samples = synthetic_window(number, 1.0, 22050)
    assert len(samples) == 22050
    assert 0.005 < samples.std() < 0.3


def test_a_number_is_always_the_same_sound() -> None:
    assert np.array_equal(synthetic_window(7, 0.5, 8000), synthetic_window(7, 0.5, 8000))


def test_embeddings_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = EmbeddingCache(tmp_path / "cache")
    with open_embedding_network(write_hidden_layer_bundle(tmp_path / "levels")) as network:
        first = synthetic_embeddings(network, cache)
        monkeypatch.setattr(EmbeddingNetwork, "embed", lambda *_: pytest.fail("computed again"))
        assert np.array_equal(synthetic_embeddings(network, cache), first)
    assert len(first) == COUNT
