"""Engines and decision rules of other packages: the examples of docs/extending.md, as installed packages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from analyzer.pipeline import Pipeline
from tests.support.bundles import write_tone_bundle
from tests.support.packages import install_package
from tests.support.sound import tone
from tidzam.bundle import Bundle
from tidzam.config.inference import DECISION_RULES, ENGINES
from tidzam.config.settings import AnalyzerSettings
from tidzam.extensions import Registry
from tidzam.inference.loading import load_network
from tidzam.labels import UNKNOWN
from tidzam.results import WindowBatch
from tidzam.types import Float32

PAGE = Path(__file__).parents[3] / "docs" / "extending.md"
SECTIONS = dict(part.split("\n", 1) for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:])
RATE_HZ = 22050


def install(section: str, registry: Registry, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package in a section of the documentation, for this process and for those that it starts."""
    text = SECTIONS[section]
    (entry_point,) = re.findall(rf"^{registry.group} =\n    (\S+ = \S+)$", text, re.M)
    ((module, source),) = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", text, re.S)
    install_package(folder, monkeypatch, module, source, registry.group, entry_point)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.delitem(registry.__dict__, "_known", raising=False)  # it has read what was installed before


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write_tone_bundle(tmp_path / "nn", "selector", {"low": (440.0,), "high": (3000.0,)})


def both_tones() -> WindowBatch:
    samples: Float32 = tone(440.0, 3000.0, rate_hz=RATE_HZ)[None]
    return WindowBatch(("pond:out_0",), samples, RATE_HZ, 0, (datetime(2026, 5, 1, tzinfo=UTC),), (0,))


def test_an_installed_engine_passes_the_trial_and_gives_the_same_probabilities(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("An engine", ENGINES, tmp_path, monkeypatch)
    shape = bundle.manifest.feature_spec.shape
    features = np.random.default_rng(1).uniform(-100, 0, (5, *shape)).astype(np.float32)
    expected = load_network(bundle).predict(features)
    np.testing.assert_allclose(load_network(bundle, "reference").predict(features), expected, atol=1e-5)


def test_the_settings_choose_the_decision_rule(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("A decision rule", DECISION_RULES, tmp_path, monkeypatch)
    results = {}
    for rule in ("thresholds", "most_probable"):
        pipeline = Pipeline.of(AnalyzerSettings(nn=bundle.folder, decision=rule))
        (results[rule],) = (one.result for one in pipeline.analyze(both_tones()))
    assert set(results["thresholds"]) == {"low", "high"}
    assert len(results["most_probable"]) == 1
    assert results["most_probable"] != (UNKNOWN,)
