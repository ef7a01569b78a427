"""Which tests of a run are repeated alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import run

TESTS = """
from pathlib import Path

def test_that_passes():
    pass

def test_with_an_outcome_of_its_own():
    assert Path("%s").exists()
"""


@pytest.fixture
def failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run named `unit-1`, in which a test failed that will pass once this file exists."""
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "CACHES", tmp_path / "caches")
    reason = tmp_path / "reason"
    (tmp_path / "test_here.py").write_text(TESTS % reason, encoding="utf-8")
    argv = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={tmp_path / 'caches' / 'unit-1'}", "test_here.py"]
    assert subprocess.run(argv, cwd=tmp_path, capture_output=True, check=False).returncode == run.TESTS_FAILED
    return reason


def test_exactly_the_failed_tests_are_repeated(failed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    failed.touch()
    assert run.pass_alone(["real-time", "unit-1"])
    assert "1 passed" in capfd.readouterr().out


def test_a_test_that_fails_alone_fails(failed: Path) -> None:
    assert not run.pass_alone(["unit-1"])


def test_many_failed_tests_are_not_repeated(failed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed.touch()
    monkeypatch.setattr(run, "MOST_REPEATED", 0)
    assert not run.pass_alone(["unit-1"])


def test_a_run_without_failed_tests_has_failed_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CACHES", tmp_path)
    assert not run.pass_alone(["unit-1"])
