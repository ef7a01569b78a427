"""Near-duplicates: copies are found at any loudness, and other samples are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from database_tool.editor import duplicates
from database_tool.editor.duplicates import Read, directions, find_duplicates
from tests.support.audio_datasets import SPEC, noise
from tidzam.audio.features import extract
from tidzam.types import Float32

DIFFERENT = extract(np.stack([noise(1, seed) for seed in range(40)]), SPEC)


def reading(features: Float32) -> Read:
    def read(samples: NDArray[np.int64]) -> Float32:
        return features[samples]

    return read


def test_copies_are_found_at_any_loudness_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", 7)  # so that pairs lie within blocks and across them
    features = np.concatenate([DIFFERENT, DIFFERENT[[3, 30]] - 6])
    steps: list[tuple[int, int]] = []
    found = find_duplicates(reading(features), np.arange(42), advance=lambda *step: steps.append(step))
    assert {(pair.one, pair.other) for pair in found} == {(3, 40), (30, 41)}
    assert all(pair.similarity == pytest.approx(1, abs=1e-4) for pair in found)
    assert steps[-1] == (6 + 21, 6 + 21)


def test_the_similarity_of_all_pairs_is_their_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "BLOCK", 9)
    found = find_duplicates(reading(DIFFERENT), np.arange(40), threshold=-1, limit=10_000)
    vectors = directions(DIFFERENT)
    expected = (vectors @ vectors.T)[np.triu_indices(40, 1)]
    np.testing.assert_allclose([pair.similarity for pair in found], sorted(expected, reverse=True), atol=1e-5)


def test_only_the_given_samples_are_compared_and_the_number_of_pairs_is_limited() -> None:
    features = np.repeat(DIFFERENT[:1], 6, axis=0)
    found = find_duplicates(reading(features), np.array([1, 3, 5]), limit=2)
    assert len(found) == 2
    assert all({pair.one, pair.other} <= {1, 3, 5} for pair in found)
    assert find_duplicates(reading(features), np.array([], np.int64)) == []


def test_silence_is_similar_to_silence_only() -> None:
    silence = np.full((2, *SPEC.shape), -100, np.float32)
    found = find_duplicates(reading(np.concatenate([DIFFERENT[:3], silence])), np.arange(5))
    assert [(pair.one, pair.other) for pair in found] == [(3, 4)]


def test_a_search_can_be_cancelled() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_duplicates(reading(DIFFERENT), np.arange(40), advance=stop)
