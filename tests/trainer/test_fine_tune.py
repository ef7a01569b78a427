"""Fine-tuning of a bundle: the same network, other classes, and refusals."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.support.bundles import tone_manifest
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle, write_bundle
from tidzam.errors import BundleError, DatasetError
from trainer.export import classifier
from trainer.fine_tune import start_from
from trainer.heads import Head
from trainer.models import find_model

if TYPE_CHECKING:
    import keras

SPEC = FeatureSpec(rate_hz=8000, window_s=0.25, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
FEATURES = np.random.default_rng(0).uniform(-90, -10, (5, *SPEC.shape)).astype(np.float32)

pytestmark = pytest.mark.timeout(120)


@cache
def network(dnn: str, n_classes: int) -> keras.Model:
    import keras

    keras.utils.set_random_seed(n_classes)
    return find_model(dnn)(SPEC.shape, n_classes)


def write(folder: Path, dnn: str, classes: tuple[str, ...], *, start: int = 0, width: int | None = None) -> Bundle:
    """A bundle whose classes are the outputs from `start` on of an untrained network with `width` outputs."""
    folder.mkdir()
    outputs = width or len(classes)
    head = Head("x", classes, start)
    whole = classifier(network(dnn, outputs), head, outputs=outputs, activation="sigmoid", temperature=2.0)
    whole.save(folder / "model.keras")
    manifest = tone_manifest("x", classes, features=SPEC)
    return write_bundle(folder / "bundle", manifest, {"keras": folder / "model.keras"})


def logits(model: Any) -> np.ndarray:
    return np.asarray(model(FEATURES, training=False))


@pytest.mark.parametrize("dnn", ["small", "residual"])
def test_known_classes_keep_their_outputs_and_new_ones_are_random(tmp_path: Path, dnn: str) -> None:
    bundle = write(tmp_path / dnn, dnn, ("a", "b", "c"))
    fresh = find_model(dnn)(SPEC.shape, 3)
    untouched = logits(fresh)
    kept = start_from(bundle, fresh, find_model(dnn), ("c", "new", "a"), SPEC)
    assert (kept.kept, kept.new) == (("c", "a"), ("new",))
    before, after = logits(network(dnn, 3)), logits(fresh)
    np.testing.assert_allclose(after[:, [2, 0]], before[:, [0, 2]], rtol=1e-5)
    assert not np.allclose(after[:, 1], before[:, 1])
    assert not np.allclose(after, untouched)


def test_a_bundle_of_one_of_several_heads_gives_its_own_rows(tmp_path: Path) -> None:
    bundle = write(tmp_path / "x", "small", ("b1", "b2"), start=2, width=4)
    fresh = find_model("small")(SPEC.shape, 3)
    assert start_from(bundle, fresh, find_model("small"), ("b2", "b1", "n"), SPEC).new == ("n",)
    np.testing.assert_allclose(logits(fresh)[:, :2], logits(network("small", 4))[:, [3, 2]], rtol=1e-5)


def test_other_features_are_refused_and_both_are_shown(tmp_path: Path) -> None:
    bundle = write(tmp_path / "x", "small", ("a", "b"))
    other = replace(SPEC, hop_length=64)
    with pytest.raises(DatasetError, match=r"hop_length 64; .* hop_length 128"):
        start_from(bundle, network("small", 2), find_model("small"), ("a", "b"), other)


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    bundle = write(tmp_path / "x", "small", ("a", "b"))
    with pytest.raises(BundleError, match="another architecture") as refused:
        start_from(bundle, network("residual", 2), find_model("residual"), ("a", "b"), SPEC)
    assert refused.value.code == "init_network"
    wide = find_model("small", {"widths": (32, 48, 80)})
    with pytest.raises(BundleError, match="another architecture"):
        start_from(bundle, wide(SPEC.shape, 2), wide, ("a", "b"), SPEC)
