"""A source whose mounts are encoded on demand, through a real stream manager."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.manager import stream_manager
from tests.support.sound import write_tones

pytestmark = pytest.mark.timeout(60)


def test_an_encoder_runs_only_once_somebody_listens(tmp_path: Path) -> None:
    pond = {"name": "pond", "url": str(write_tones(tmp_path / "pond.flac", 2, seconds=2)), "loop": True}
    with stream_manager(tmp_path, [{**pond, "mounts": "on-demand"}]) as manager:
        manager.until_well()
        assert not manager.running("ffmpeg", "pond")
        argv = ["ffmpeg", "-v", "warning", "-t", "2", "-i", manager.source("pond")["mounts"][1], "-f", "null", "-"]
        heard = subprocess.run(argv, timeout=20, check=False, capture_output=True, text=True)
        assert (heard.returncode, heard.stderr) == (0, "")
        assert manager.running("ffmpeg", "pond")
