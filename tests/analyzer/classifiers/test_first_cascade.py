"""The analyzer starts with what was promoted, or if that cannot be used, with the classifiers of the settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analyzer.classifiers.first_cascade import first_cascade
from analyzer.classifiers.reload import ReloadOptions
from analyzer.pipeline import Pipeline
from tests.support import hostile
from tidzam.bundle.choice import CascadeChoice
from tidzam.bundle.promotions import Promotions, write_promotions
from tidzam.config.settings import AnalyzerSettings, Settings
from tidzam.errors import BundleError
from tidzam.node.prepare import require_classifiers

LOW_HZ = 100


@pytest.fixture
def settings(tmp_path: Path) -> AnalyzerSettings:
    """Those of a node in `tmp_path` with a classifier; another folder was promoted."""
    hostile.write_network(tmp_path / "own", hostile.always(0.25))
    own, other = CascadeChoice(tmp_path / "own"), CascadeChoice(tmp_path / "other")
    write_promotions(tmp_path, Promotions.none(own).promoted(other, {}, before={}, now=datetime.now(UTC)))
    return AnalyzerSettings(nn=own.nn)


def started(settings: AnalyzerSettings, home: Path, *, rate_hz: int | None = None) -> tuple[Pipeline, ReloadOptions]:
    return first_cascade(settings, None, home, rate_hz=rate_hz)


def own_identity(settings: AnalyzerSettings) -> object:
    return Pipeline.of(settings).bundle_versions


def test_what_was_promoted_runs(settings: AnalyzerSettings, tmp_path: Path) -> None:
    hostile.write_network(tmp_path / "other", hostile.always(0.75))
    pipeline, options = started(settings, tmp_path)
    assert pipeline.bundle_versions == Pipeline.load(tmp_path / "other").bundle_versions
    assert options.refusal is None


@pytest.fixture
def failing(tmp_path: Path) -> None:
    """What was promoted has outputs that are no numbers."""
    hostile.write_network(tmp_path / "other", hostile.always(float("nan")))


@pytest.mark.usefixtures("failing")
def test_what_was_promoted_and_fails_its_trial_is_replaced_by_the_settings(
    settings: AnalyzerSettings, tmp_path: Path
) -> None:
    assert started(settings, tmp_path)[0].bundle_versions == own_identity(settings)


@pytest.mark.usefixtures("failing")
def test_why_it_does_not_run_is_part_of_the_health(settings: AnalyzerSettings, tmp_path: Path) -> None:
    options = started(settings, tmp_path)[1]
    assert "What was promoted cannot be used" in str(options.refusal)
    assert options.promotions.live == CascadeChoice(settings.nn)


@pytest.mark.usefixtures("failing")
def test_a_node_starts_without_it(settings: AnalyzerSettings, tmp_path: Path) -> None:
    require_classifiers(Settings(analyzer=settings), tmp_path)


@pytest.mark.usefixtures("failing")
def test_a_node_does_not_start_if_the_classifiers_of_the_settings_fail_too(
    settings: AnalyzerSettings, tmp_path: Path
) -> None:
    hostile.write_network(tmp_path / "own2", hostile.always(float("nan")))
    broken = settings.model_copy(update={"nn": tmp_path / "own2"})
    with pytest.raises(BundleError):
        require_classifiers(Settings(analyzer=broken), tmp_path)


def test_what_was_promoted_and_needs_a_higher_rate_is_replaced(settings: AnalyzerSettings, tmp_path: Path) -> None:
    hostile.write_network(tmp_path / "other", hostile.always(0.75))
    assert "100 Hz" in str(started(settings, tmp_path, rate_hz=LOW_HZ)[1].refusal)
