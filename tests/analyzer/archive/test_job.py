"""A job that takes little memory finds the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from analyzer.archive.job import FileJob, run_job
from tests.support.bundles import write_tone_bundle
from tests.support.sound import tone
from tidzam.config.settings import AnalyzerSettings

RATE_HZ = 22050


def test_a_sparing_job_finds_the_same(tmp_path: Path) -> None:
    write_tone_bundle(tmp_path / "nn", "selector", {"owl": (2000.0,), "rain": (500.0,)})
    sound = [tone(hz, rate_hz=RATE_HZ, amplitude=0.9) for hz in (2000, 500, 2000, 2000, 900) * 4]
    path = tmp_path / "pond-2026-05-01-06-00-00.wav"
    soundfile.write(path, np.concatenate(sound), RATE_HZ)
    settings = AnalyzerSettings(nn=tmp_path / "nn", overlap=0.5)
    job = FileJob(number=0, path=path, source="pond", settings=settings, node="garden")
    usual, sparing = run_job(job).report, run_job(replace(job, is_sparing=True)).report
    assert usual is not None
    assert len(usual.detections) > 10
    assert sparing == usual
