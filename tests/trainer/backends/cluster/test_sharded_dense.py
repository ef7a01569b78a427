"""Parts in a cluster: of the data for workers, of large weights for parameter servers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.training import SPEC, options
from tidzam.errors import DatasetError
from trainer.app import describe, layout_for, supply
from trainer.data.split import part_of
from trainer.models import tidzam2019 as original
from trainer.training_data import open_data


def quiet(_: str) -> None: ...


def test_workers_read_disjoint_parts_that_are_complete(folders: Path, tmp_path: Path) -> None:
    data = open_data(options(folders, tmp_path / "x"), quiet)
    parts = [part_of(data.train, index, 2) for index in (0, 1)]
    files = [{one.origin(k).file for k in range(len(one))} for one in parts]
    assert all(files)
    assert not files[0] & files[1]
    assert files[0] | files[1] == {data.train.origin(k).file for k in range(len(data.train))}


def test_each_worker_makes_batches_of_its_part_from_the_requested_step(folders: Path, tmp_path: Path) -> None:
    chosen = options(folders, tmp_path / "x", batch_size=4, iterations=3)
    data = open_data(chosen, quiet)
    layout = layout_for(data, chosen)
    first, second = (list(supply(data, layout, chosen, (index, 2))(0)) for index in (0, 1))
    assert len(first) == len(second) == 3
    assert not any(np.array_equal(a.features, b.features) for a in first for b in second)
    (last,) = supply(data, layout, chosen, (1, 2))(2)
    assert np.array_equal(last.features, second[2].features)


def test_too_many_workers_are_refused(folders: Path, tmp_path: Path) -> None:
    chosen = options(folders, tmp_path / "x")
    data = open_data(chosen, quiet)
    with pytest.raises(DatasetError, match="too few for 99 workers"):
        supply(data, layout_for(data, chosen), chosen, (98, 99))


def test_the_description_of_data_has_count_classes_and_features(folders: Path, tmp_path: Path) -> None:
    data = open_data(options(folders, tmp_path / "x"), quiet)
    assert describe(data) == f"{len(data.train)} sequences of high, low ({SPEC.shape[0]} frames of 16 mels)"
    fewer = replace(data, train=part_of(data.train, 0, 2))
    assert describe(fewer) != describe(data)


@pytest.mark.timeout(120)
def test_a_sharded_kernel_is_the_same_layer() -> None:
    from trainer.backends.cluster.sharded_dense import ShardedDense, set_whole_weights, sharded, whole_weights

    def build(shape: tuple[int, int], n_classes: int) -> Any:
        return original.build(shape, n_classes, dense=(64,))

    whole = build((16, 8), 3)
    parts = sharded(build, shard_bytes=10_000)((16, 8), 3)
    (dense,) = [layer for layer in parts.layers if isinstance(layer, ShardedDense)]
    assert len(dense.shards) > 1
    assert max(part.shape[0] for part in dense.shards) * 64 * 4 <= 10_240
    spreads = [np.std(np.asarray(model.layers[-3].kernel)) for model in (whole, parts)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.1), "drawn for all its rows, not for those of a part"
    weights = [np.asarray(weight) for weight in whole.weights]
    set_whole_weights(parts, weights)
    assert all(np.array_equal(a, b) for a, b in zip(whole_weights(parts), weights, strict=True))
    features = np.random.default_rng(0).uniform(-90, -10, (2, 16, 8)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(parts(features)), np.asarray(whole(features)), atol=1e-5)


def test_small_networks_stay_whole() -> None:
    from trainer.backends.cluster.sharded_dense import ShardedDense, sharded
    from trainer.models import small

    model = sharded(small.build)((16, 8), 3)
    assert not any(isinstance(layer, ShardedDense) for layer in model.layers)
