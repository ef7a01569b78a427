"""The start of live analysis: the capture process is there first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.live.start import longest_window_s
from tests.support.bundles import write_tone_bundle
from tidzam.audio.features import FeatureSpec
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import BundleError


def test_starting_capture_imports_neither_server_nor_networks() -> None:
    script = (
        "import sys, analyzer.__main__; print([one for one in ('aiohttp', 'scipy', 'socketio') if one in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_ring_is_made_for_the_longest_window_of_the_cascade(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path, "selector", {"birds": (3000.0,)})
    write_tone_bundle(tmp_path, "birds", {"wren": (4000.0,)}, features=FeatureSpec(window_s=3.0))
    assert longest_window_s(AnalyzerSettings(nn=tmp_path)) == 3.0


def test_a_folder_without_bundles_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        longest_window_s(AnalyzerSettings(nn=tmp_path))
