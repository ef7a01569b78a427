"""Which cascade runs in a home: what was promoted, as long as the settings stay and its bundles can be used."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.bundles import write_tone_bundle
from tidzam.bundle import read_bundle, rewrite_manifest
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import (
    FILE,
    MOST_ENTRIES,
    Promotions,
    chosen_cascade,
    read_promotions,
    with_promoted,
    write_promotions,
)
from tidzam.config.settings import AnalyzerSettings
from tidzam.paths import DEMO_BUNDLES

NOW = datetime(2026, 5, 1, 6, tzinfo=UTC)
SETTINGS = AnalyzerSettings(models=("owls",))
OWN, OTHER = CascadeChoice(None, ("owls",)), CascadeChoice(None, ("herons",))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which another root was promoted than the one of the settings."""
    for name, class_name in (("owls", "owl"), ("herons", "heron")):
        rewrite_manifest(write_tone_bundle(tmp_path / "models", name, {class_name: (440.0,)}), root=True)
    write_promotions(tmp_path, promoted(OTHER))
    return tmp_path


def promoted(choice: CascadeChoice, log: Promotions | None = None) -> Promotions:
    return (log or Promotions.none(OWN)).promoted(choice, {"herons": "2"}, before={"owls": "1"}, now=NOW)


def test_what_was_promoted_is_chosen(home: Path) -> None:
    assert chosen_cascade(SETTINGS, home) == (OTHER, None)


def test_the_settings_are_those_of_what_was_promoted(home: Path) -> None:
    assert with_promoted(SETTINGS, home).models == ("herons",)


def test_settings_that_name_other_classifiers_count_more(home: Path) -> None:
    assert chosen_cascade(AnalyzerSettings(models=("wrens",)), home) == (CascadeChoice(None, ("wrens",)), None)


def test_what_was_promoted_and_is_gone_is_replaced_by_the_settings_with_the_reason(home: Path) -> None:
    shutil.rmtree(home / "models" / "herons")
    choice, refusal = chosen_cascade(SETTINGS, home)
    assert choice == OWN
    assert "herons" in str(refusal)


def test_what_was_promoted_and_is_damaged_is_replaced_by_the_settings(home: Path) -> None:
    read_bundle(home / "models" / "herons").file("onnx").write_bytes(b"x")
    assert chosen_cascade(SETTINGS, home)[0] == OWN


def test_a_damaged_file_counts_as_no_promotion(home: Path) -> None:
    (home / FILE).write_text('{"entries": []}')
    assert read_promotions(home, OWN) == Promotions.none(OWN)


def test_without_a_home_the_settings_are_chosen() -> None:
    assert chosen_cascade(SETTINGS, None) == (OWN, None)


def test_a_rollback_returns_to_what_ran_before_with_its_versions() -> None:
    back = promoted(OTHER).rolled_back({"owls": "3"})
    assert (back.live.choice, back.live.bundles, back.previous) == (OWN, {"owls": "3"}, None)


def test_the_versions_that_ran_until_a_promotion_are_kept() -> None:
    previous = promoted(OTHER).previous
    assert previous is not None
    assert previous.bundles == {"owls": "1"}


def test_of_many_promotions_the_settings_and_the_last_are_kept() -> None:
    log = Promotions.none(OWN)
    for number in range(MOST_ENTRIES + 5):
        log = promoted(CascadeChoice(None, (f"m{number}",)), log)
    assert log.entries[0].choice == OWN
    assert log.live.models == (f"m{MOST_ENTRIES + 4}",)
    assert len(log.entries) == MOST_ENTRIES + 1


def test_models_are_added_to_the_demo_if_the_settings_name_nothing() -> None:
    assert CascadeChoice(None).changed(add=["herons"]) == CascadeChoice(DEMO_BUNDLES, ("herons",))


def test_a_model_that_is_added_twice_is_one() -> None:
    assert OTHER.changed(add=["owls", "herons", "owls"]) == CascadeChoice(None, ("owls", "herons"))


def test_a_model_that_is_removed_is_gone() -> None:
    assert CascadeChoice(DEMO_BUNDLES, ("owls",)).changed(remove=["owls"]) == CascadeChoice(DEMO_BUNDLES)


def test_a_model_that_is_added_takes_the_place_of_another_version_of_it() -> None:
    live = CascadeChoice(DEMO_BUNDLES, ("herons@0123456789ab", "owls"))
    assert live.changed(add=["herons"]) == CascadeChoice(DEMO_BUNDLES, ("owls", "herons"))


def test_a_model_is_removed_whatever_its_version() -> None:
    live = CascadeChoice(DEMO_BUNDLES, ("herons@0123456789ab", "owls"))
    assert live.changed(remove=["herons"]) == CascadeChoice(DEMO_BUNDLES, ("owls",))


@pytest.mark.parametrize(("named", "counts"), [("owls", True), ("wrens", False), ("owls@ba9876543210", False)])
def test_a_version_of_what_the_settings_name_is_what_they_name(tmp_path: Path, named: str, counts: bool) -> None:
    log = Promotions.none(OWN).ran(CascadeChoice(None, ("owls@0123456789ab",)))
    write_promotions(tmp_path, log)
    assert (read_promotions(tmp_path, CascadeChoice(None, (named,))) == log) == counts


DEMO_FIRST = Promotions.none(CascadeChoice(None)).promoted(
    CascadeChoice(DEMO_BUNDLES, ("herons",)), {}, before={}, now=NOW
)


def test_the_demo_is_written_without_its_place_and_found_again(tmp_path: Path) -> None:
    write_promotions(tmp_path, DEMO_FIRST)
    assert str(DEMO_BUNDLES) not in (tmp_path / FILE).read_text()
    assert read_promotions(tmp_path, CascadeChoice(None)) == DEMO_FIRST


def test_a_file_with_the_place_of_the_demo_in_an_earlier_installation_is_read(tmp_path: Path) -> None:
    write_promotions(tmp_path, DEMO_FIRST)
    old = (tmp_path / FILE).read_text().replace("demo:", "/gone/tidzam/demo/bundles")
    (tmp_path / FILE).write_text(old)
    assert read_promotions(tmp_path, CascadeChoice(None)) == DEMO_FIRST
