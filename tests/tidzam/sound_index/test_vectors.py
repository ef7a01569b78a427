"""Embeddings on disk, and the nearest of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tidzam.sound_index.vectors import VectorFiles, quantized, restored
from tidzam.types import Float32

VALUES = 32


def some(count: int, seed: int = 0) -> Float32:
    return np.maximum(np.random.default_rng(seed).normal(size=(count, VALUES)), 0).astype(np.float32)


def cosine(one: Float32, others: Float32) -> Float32:
    return np.asarray(others @ one / np.linalg.norm(one) / np.linalg.norm(others, axis=1), np.float32)


def test_embeddings_are_restored_to_within_half_a_step() -> None:
    embeddings = some(20)
    rows, scales = quantized(embeddings)
    assert np.abs(restored(rows, scales) - embeddings).max() <= scales.max() / 2 + 1e-6


def test_an_embedding_of_zeros_is_restored() -> None:
    assert not restored(*quantized(np.zeros((1, 4), np.float32))).any()


def test_what_was_written_to_several_places_is_read_from_them(tmp_path: Path) -> None:
    files, embeddings = VectorFiles(tmp_path, VALUES), some(5)
    files.write([(7, 3), (0, 2)], embeddings)
    assert files.read([(7, 3), (0, 2)]) == pytest.approx(embeddings, abs=0.02)


def test_the_nearest_are_those_of_an_exact_search(tmp_path: Path) -> None:
    files, embeddings, query = VectorFiles(tmp_path, VALUES), some(500), some(1, seed=1)
    files.write([(0, 500)], embeddings)
    rows, _ = files.nearest(query, [(0, 500)], 10)
    exact = np.argsort(-cosine(query[0], embeddings))[:10]
    assert len(set(rows.tolist()) & set(exact.tolist())) >= 9  # 8 bits may swap the last two


def test_similarities_are_cosines(tmp_path: Path) -> None:
    files, embeddings, query = VectorFiles(tmp_path, VALUES), some(50), some(1, seed=1)
    files.write([(0, 50)], embeddings)
    rows, similarities = files.nearest(query, [(0, 50)], 50)
    assert similarities == pytest.approx(cosine(query[0], embeddings)[rows], abs=0.01)


def test_only_the_chosen_places_are_searched(tmp_path: Path) -> None:
    files = VectorFiles(tmp_path, VALUES)
    files.write([(0, 30)], some(30))
    rows, _ = files.nearest(some(1, seed=1), [(3, 4), (20, 2)], 10)
    assert set(rows.tolist()) == {3, 4, 5, 6, 20, 21}


def test_a_row_counts_by_the_most_similar_of_several_queries(tmp_path: Path) -> None:
    files, embeddings = VectorFiles(tmp_path, VALUES), some(9)
    files.write([(0, 9)], embeddings)
    rows, similarities = files.nearest(embeddings[[2, 6]], [(0, 9)], 2)
    assert (set(rows.tolist()), similarities.min() > 0.999) == ({2, 6}, True)


def test_nothing_is_found_in_nothing(tmp_path: Path) -> None:
    rows, _ = VectorFiles(tmp_path, VALUES).nearest(some(1), [], 10)
    assert not len(rows)
