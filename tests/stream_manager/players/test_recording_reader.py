"""Recordings are read from the requested instant on, whatever their format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from stream_manager.players.reader_protocol import ReadOrder
from tests.support.recordings import RATE_HZ, chirp, chirp_time_s, frame_numbers, numbers_in, write_recording
from tidzam.types import Float32

LENGTH_S = 6.0


def read(
    path: Path,
    start_s: float,
    *,
    rate_hz: int,
    channels: int = 1,
    selected: Sequence[int] | None = None,
    silence: int = 0,
) -> tuple[Float32, dict[str, object]]:
    """What the reader writes for one order, shape (frames, channels), and what it reports."""
    reading, writing = os.pipe()
    argv = [sys.executable, "-P", "-m", "stream_manager.players.recording_reader", str(writing), str(silence)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[writing])
    os.close(writing)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(ReadOrder(str(path), start_s, rate_hz, channels, selected).encode())
    process.stdin.close()
    with os.fdopen(reading, "rb") as pcm:
        samples = np.frombuffer(pcm.read(), "<f4")
    report = dict(json.loads(process.stdout.readline()))
    process.stdout.close()
    assert process.wait(10) == 0
    return samples.reshape(-1, channels if selected is None else len(selected)), report


@pytest.mark.parametrize("suffix", ["wav", "flac"])
@pytest.mark.parametrize("start_s", [0.0, 2.34567])
def test_lossless_recordings_are_read_from_the_exact_sample_on(tmp_path: Path, suffix: str, start_s: float) -> None:
    path = write_recording(tmp_path, frame_numbers(0, round(LENGTH_S * RATE_HZ)), suffix=suffix)
    samples, report = read(path, start_s, rate_hz=RATE_HZ)
    numbers = numbers_in(samples[:, 0])
    assert numbers == list(range(round(start_s * RATE_HZ), round(LENGTH_S * RATE_HZ)))
    assert report == {"event": "readfinished", "frames": len(numbers)}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", ["ogg", "opus"])
@pytest.mark.parametrize("start_s", [1.23456, 4.9])
def test_lossy_recordings_are_read_from_the_requested_instant_on(
    tmp_path: Path, suffix: str, channels: int, start_s: float
) -> None:
    rate_hz = 48000 if suffix == "opus" else RATE_HZ
    path = write_recording(tmp_path, np.stack([chirp(0.0, LENGTH_S)] * channels, axis=1), suffix=suffix)
    samples, _ = read(path, start_s, rate_hz=rate_hz, channels=channels)
    part = samples[round(0.3 * rate_hz) : round(0.5 * rate_hz), channels - 1]
    assert chirp_time_s(part, rate_hz) == pytest.approx(start_s + 0.4, abs=0.01)
    assert len(samples) / rate_hz == pytest.approx(LENGTH_S - start_s, abs=0.03)


def test_channels_are_selected_in_the_requested_order(tmp_path: Path) -> None:
    path = write_recording(tmp_path, np.stack([frame_numbers(1 + 100 * one, 50) for one in range(3)], axis=1))
    samples, _ = read(path, 0.0, rate_hz=RATE_HZ, channels=3, selected=(2, 0))
    assert numbers_in(samples[0]) == [201, 1]


def test_silence_precedes_the_first_recording(tmp_path: Path) -> None:
    path = write_recording(tmp_path, frame_numbers(7, 5))
    samples, _ = read(path, 0.0, rate_hz=RATE_HZ, silence=4 * 100)
    assert numbers_in(samples[:, 0]) == [0] * 100 + list(range(7, 12))


def test_a_recording_of_another_format_is_not_read(tmp_path: Path) -> None:
    path = write_recording(tmp_path, np.stack([chirp(0.0, 0.1)] * 2, axis=1))
    samples, report = read(path, 0.0, rate_hz=RATE_HZ)
    assert (len(samples), report) == (0, {"event": "differs", "rate_hz": RATE_HZ, "channels": 2})


@pytest.mark.parametrize("start_s", [0.0, 100.0])
def test_what_cannot_be_read_is_reported(tmp_path: Path, start_s: float) -> None:
    path = write_recording(tmp_path, chirp(0.0, 0.1))
    if not start_s:
        path.write_bytes(b"no audio")
    samples, report = read(path, start_s, rate_hz=RATE_HZ)
    assert (len(samples), report["event"], report["frames"]) == (0, "readfailed", 0)
