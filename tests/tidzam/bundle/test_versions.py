"""Versions of installed models that are kept beside them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.bundles import write_tone_bundle
from tidzam.bundle import installed_model, installed_models, read_bundle, rewrite_manifest
from tidzam.bundle.versions import forget_versions, keep_version, kept_versions, model_folder
from tidzam.errors import BundleError


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_tone_bundle(tmp_path / "models", "herons", {"heron": (440.0,)})
    return tmp_path / "models"


def change(models: Path) -> str:
    """Another version takes the place of the present one. Returns the version."""
    return rewrite_manifest(read_bundle(models / "herons"), thresholds={"heron": 0.9}).manifest.version


def test_a_version_that_is_kept_stays_when_the_model_is_another(models: Path) -> None:
    kept, before = keep_version(models, "herons"), read_bundle(models / "herons").manifest
    change(models)
    assert kept == f"herons@{before.version}"
    assert read_bundle(installed_model(models, kept)).manifest == before


def test_a_model_that_is_replaced_while_it_is_copied_is_not_kept(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = shutil.copytree

    def replaced_before(source: Path, *arguments: Any, **options: Any) -> Any:
        change(models)
        return copy(source, *arguments, **options)

    version = read_bundle(models / "herons").manifest.version
    monkeypatch.setattr(shutil, "copytree", replaced_before)
    with pytest.raises(BundleError, match="was replaced while it was copied"):
        keep_version(models, "herons")
    assert not model_folder(models, f"herons@{version}").exists()


def test_a_version_takes_no_space_while_the_model_has_it(models: Path) -> None:
    kept = model_folder(models, keep_version(models, "herons"))
    assert (kept / "model.onnx").samefile(models / "herons" / "model.onnx")


def test_versions_are_no_installed_models(models: Path) -> None:
    keep_version(models, "herons")
    assert installed_models(models) == ["herons"]


def test_names_get_the_version_that_is_wanted(models: Path) -> None:
    before = keep_version(models, "herons")
    after = change(models)
    assert kept_versions(models, ["herons"], [before.partition("@")[2]]) == (before,)
    assert kept_versions(models, ["herons"], [after]) == (f"herons@{after}",)


def test_a_version_that_nobody_kept_is_not_named(models: Path) -> None:
    assert kept_versions(models, ["herons", "wrens"], ["0123456789ab"]) == ("herons", "wrens")


def test_versions_that_are_not_wanted_are_deleted(models: Path) -> None:
    old = keep_version(models, "herons")
    change(models)
    new = keep_version(models, "herons")
    forget_versions(models, [new])
    assert (model_folder(models, old).parent.exists(), model_folder(models, new).is_dir()) == (False, True)


@pytest.mark.parametrize("name", ["herons@0123456789ab", "herons@../../models", "../models/herons@", "herons@"])
def test_a_version_that_is_not_kept_is_missing(models: Path, name: str) -> None:
    (models.parent / "model-versions").mkdir()
    with pytest.raises(BundleError) as missing:
        installed_model(models, name)
    assert missing.value.code == "model_missing"
