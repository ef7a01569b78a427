"""Groups of sounds that are alike."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from tidzam.sound_index.clusters import (
    distances,
    from_typical_to_odd,
    groups_of,
    merges_of,
    spread,
    usual_distance,
)
from tidzam.types import Float32


def kinds(seed: int, sizes: list[int], *, noise: float = 0.05) -> tuple[Float32, list[set[int]]]:
    """Embeddings of sounds of several kinds, in no order, and the indices of each kind."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    values = np.eye(len(sizes) + 2)[kind] + noise * rng.random((len(kind), len(sizes) + 2))
    return values.astype(np.float32), [set(np.flatnonzero(kind == one).tolist()) for one in range(len(sizes))]


def test_the_distances_are_those_of_scipy() -> None:
    values, _ = kinds(1, [4, 3])
    np.testing.assert_allclose(distances(values), pdist(values, "cosine"), atol=1e-6)


@given(st.integers(0, 1000), st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_sounds_of_a_kind_are_a_group(seed: int, sizes: list[int]) -> None:
    values, wanted = kinds(seed, sizes)
    apart = distances(values)
    found = groups_of(merges_of(apart), distance=usual_distance(apart))
    assert sorted(map(sorted, wanted)) == sorted(group.tolist() for group in found)


@given(st.integers(0, 1000), st.floats(0.0, 2.0))
def test_every_sound_is_in_one_group(seed: int, distance: float) -> None:
    values = np.random.default_rng(seed).standard_normal((12, 3)).astype(np.float32)
    found = groups_of(merges_of(distances(values)), distance=distance)
    assert sorted(np.concatenate(found).tolist()) == list(range(12))


def test_the_largest_group_is_first() -> None:
    values, wanted = kinds(3, [2, 5, 3])
    assert set(groups_of(merges_of(distances(values)), distance=0.3)[0].tolist()) == wanted[1]


def test_one_sound_is_a_group() -> None:
    assert [group.tolist() for group in groups_of(merges_of(np.zeros(0)), distance=0.1)] == [[0]]


def test_a_silent_embedding_is_far_from_all() -> None:
    assert distances(np.array([[0, 0], [1, 0]], np.float32)).tolist() == [1.0]


def test_the_sound_in_the_middle_of_a_group_is_typical() -> None:
    angles = np.radians([0, 10, 20, 80])
    assert from_typical_to_odd(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)) == [2, 1, 0, 3]


def test_of_few_sounds_all_are_shown() -> None:
    assert spread([3, 1], 4) == [3, 1]
