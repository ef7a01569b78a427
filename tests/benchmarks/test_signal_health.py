"""The benchmark of faults of the signal, on two synthetic clips in place of ESC-10."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from benchmarks import signal_health
from tests.support.signals import RATE_HZ, clipped, crickets


def test_alarms_and_found_faults_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for label, samples in (("crickets", crickets()), ("storm", clipped())):
        path = tmp_path / "esc10" / label / "1-1-A.ogg"
        path.parent.mkdir(parents=True)
        soundfile.write(path.with_suffix(".wav"), samples, RATE_HZ)
        path.with_suffix(".wav").rename(path)  # libsndfile recognizes the format by its content
    monkeypatch.setenv("TIDZAM_DATA", str(tmp_path))
    figures = signal_health.run(print)
    assert figures["alarms_by_class"] == {"storm": {"clipping": 1}}
    assert figures["found"]["stuck"] == "2 of 2"
