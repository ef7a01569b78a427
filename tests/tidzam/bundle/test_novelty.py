"""The manifest of a novelty bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.bundles import tone_manifest
from tidzam.bundle import NormalScores, NoveltySpec, named_bundle
from tidzam.errors import BundleError
from tidzam.inference.novelty import normal_share
from tidzam.inference.trial import forest_spec
from tidzam.manifest_fields import FileEntry

NORMAL = NormalScores(shares=(0.0, 0.9, 0.99), scores=(0.3, 0.4, 0.5), windows=100)
SPEC = NoveltySpec(
    vector="statistics",
    values=48,
    forest=FileEntry(name="forest.onnx", sha256="0" * 64, size_bytes=1),
    threshold=0.45,
    normal=NORMAL,
)


def test_bundles_without_novelty_state_nothing_about_it() -> None:
    assert "novelty" not in tone_manifest("selector", ["owl"]).model_dump(mode="json")


def test_what_is_stated_is_read_again() -> None:
    manifest = tone_manifest("pond", ["novel"]).model_copy(update={"novelty": SPEC})
    assert type(manifest).model_validate(manifest.model_dump(mode="json")).novelty == SPEC


def test_the_forest_is_a_file_of_the_bundle() -> None:
    manifest = tone_manifest("pond", ["novel"]).model_copy(update={"novelty": SPEC})
    assert SPEC.forest in manifest.all_files


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"shares": (0.0, 0.9)}, "there are 2 shares, but 3 scores"),
        ({"shares": (0.0, 0.9, 0.9)}, "shares do not ascend"),
        ({"scores": (0.3, 0.5, 0.4)}, "scores do not ascend"),
        ({"scores": (0.3, 0.4, float("nan"))}, "finite"),
        ({"scores": (0.3, 0.4, 1.1)}, "less than or equal to 1"),
    ],
)
def test_scores_that_do_not_fit_are_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        NormalScores(**{**NORMAL.model_dump(), **changes})


def test_a_forest_takes_vectors() -> None:
    assert forest_spec(SPEC).kind == "vectors"


@pytest.mark.parametrize("threshold", [-0.1, 2.0])
def test_a_threshold_that_no_score_reaches_is_refused(threshold: float) -> None:
    with pytest.raises(ValidationError, match="threshold"):
        NoveltySpec(**{**SPEC.model_dump(), "threshold": threshold})


@pytest.mark.parametrize("classes", [["novel", "owl"], ["owl"]])
def test_a_novelty_bundle_has_one_class(classes: list[str]) -> None:
    values = {**tone_manifest("pond", classes).model_dump(mode="json"), "novelty": SPEC.model_dump()}
    with pytest.raises(ValidationError, match="a novelty bundle has one class"):
        type(tone_manifest("pond", ["novel"])).model_validate(values)


@pytest.mark.parametrize(("score", "share"), [(0.1, 0.0), (0.35, 0.45), (0.45, 0.945), (0.9, 0.99)])
def test_the_share_of_lower_scores_is_interpolated(score: float, share: float) -> None:
    assert normal_share(NORMAL, score) == pytest.approx(share)


def test_a_name_with_a_slash_is_a_path(tmp_path: Path) -> None:
    assert named_bundle(tmp_path, "models/pond") == Path("models/pond")


def test_a_name_that_is_neither_a_model_nor_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as error:
        named_bundle(tmp_path, "pond")
    assert error.value.code == "model_missing"
