"""The sound of test windows: what is served, and what is not, whatever a bundle says."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import soundfile

from tests.support.console import ConsoleUnderTest
from tests.support.training import SPEC
from tidzam.open_set_report import FILE
from tidzam.paths import MODELS

SOUND = "/api/v1/models/calls/windows/0/sound"


def get(console: ConsoleUnderTest, path: str = SOUND) -> Any:
    return console.logged_in("viewer").get(path)


def name_file(home: Path, file: str) -> None:
    """Let the report name another file for the first window."""
    path = home / MODELS / "calls" / FILE
    report = json.loads(path.read_text())
    tested = report["test"]["tested"]
    tested["files"][tested["windows"][0]["file"]] = file
    path.write_text(json.dumps(report))


def test_a_window_is_served_with_a_margin(console: ConsoleUnderTest) -> None:
    samples, rate_hz = soundfile.read(io.BytesIO(get(console, f"{SOUND}?margin_s=0").content))
    longer, _ = soundfile.read(io.BytesIO(get(console, f"{SOUND}?margin_s=0.25").content))
    assert (rate_hz, len(samples)) == (SPEC.rate_hz, round(SPEC.window_s * SPEC.rate_hz))
    assert len(samples) < len(longer)


def test_examples_of_cells_name_their_windows(console: ConsoleUnderTest) -> None:
    cells = console.logged_in("viewer").get("/api/v1/models/calls/evaluation").json()["test"]["cells"]
    number = cells[0]["windows"][0]["number"]
    assert get(console, f"/api/v1/models/calls/windows/{number}/sound").status_code == 200


def test_a_file_outside_of_the_folders_of_the_node_is_not_served(
    console: ConsoleUnderTest, tmp_path: Path, tmp_path_factory: Any
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.wav"
    soundfile.write(outside, [0.0] * 16000, 8000)
    name_file(tmp_path, str(outside))
    assert get(console).status_code == 403


def test_a_link_that_leads_outside_is_not_followed(
    console: ConsoleUnderTest, tmp_path: Path, tmp_path_factory: Any
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.wav"
    soundfile.write(outside, [0.0] * 16000, 8000)
    (tmp_path / "link.wav").symlink_to(outside)
    name_file(tmp_path, str(tmp_path / "link.wav"))
    assert get(console).status_code == 403


def test_a_path_that_climbs_out_is_not_served(console: ConsoleUnderTest, tmp_path: Path) -> None:
    name_file(tmp_path, f"{tmp_path}/../../../etc/passwd.wav")
    assert get(console).status_code == 403


def test_what_is_no_audio_file_is_not_served(console: ConsoleUnderTest, tmp_path: Path) -> None:
    name_file(tmp_path, str(tmp_path / "calls.csv"))
    assert get(console).status_code == 403


def test_a_file_that_is_gone_is_not_found(console: ConsoleUnderTest, tmp_path: Path) -> None:
    name_file(tmp_path, str(tmp_path / "gone.wav"))
    assert get(console).status_code == 404


def test_a_name_with_a_nul_is_not_found(console: ConsoleUnderTest, tmp_path: Path) -> None:
    name_file(tmp_path, "a\0.wav")
    assert get(console).status_code in (403, 404)


def test_a_fifo_is_not_opened(console: ConsoleUnderTest, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    name_file(tmp_path, str(tmp_path / "pipe.wav"))
    assert get(console).status_code == 404


def test_there_is_no_window_with_a_number_that_is_too_large(console: ConsoleUnderTest) -> None:
    assert get(console, "/api/v1/models/calls/windows/99999/sound").status_code == 404
