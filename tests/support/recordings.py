"""Recordings that carry a time code in their audio, in files named as recordings are."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import soundfile

from tidzam.naming import recording_stem
from tidzam.types import Float32

RATE_HZ = 44100
START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
FULL_SCALE = 1 << 23
"""A sample of 24 bits holds the number of its frame exactly, for 190 s."""
CHIRP_HZ, CHIRP_HZ_PER_S = 500.0, 200.0


def frame_numbers(first: int, frames: int) -> Float32:
    """Samples whose values, times FULL_SCALE, are the numbers of their frames. Number 0 is silence."""
    return ((first + np.arange(frames)) / FULL_SCALE).astype(np.float32)


def numbers_in(samples: Float32) -> list[int]:
    """The inverse of `frame_numbers`."""
    return [round(float(sample) * FULL_SCALE) for sample in samples]


def chirp(start_s: float, duration_s: float, rate_hz: int = RATE_HZ) -> Float32:
    """A sine whose frequency grows with time, so that it tells the time also after lossy encoding."""
    time_s = start_s + np.arange(round(duration_s * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * (CHIRP_HZ * time_s + CHIRP_HZ_PER_S / 2 * time_s**2))).astype(np.float32)


def chirp_time_s(samples: Float32, rate_hz: int = RATE_HZ) -> float:
    """The time in a `chirp` at the middle of `samples`, from the peak of their spectrum."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 16 * len(samples)))
    frequency_hz = float(np.argmax(spectrum)) * rate_hz / (16 * len(samples))
    return (frequency_hz - CHIRP_HZ) / CHIRP_HZ_PER_S


def write_recording(
    folder: Path, samples: Float32, after_s: float = 0.0, *, name: str = "pond", suffix: str = "wav"
) -> Path:
    """Write a recording (frames,) or (frames, channels) that starts `after_s` seconds after START."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{recording_stem(name, START + timedelta(seconds=after_s))}.{suffix}"
    if suffix in ("ogg", "opus"):
        wav = path.with_suffix(".source.wav")
        soundfile.write(wav, samples, RATE_HZ, subtype="FLOAT")
        encoder = ["-c:a", "libvorbis"] if suffix == "ogg" else ["-c:a", "libopus", "-mapping_family", _family(samples)]
        argv = ["ffmpeg", "-v", "error", "-nostdin", "-i", str(wav), *encoder, "-b:a", "96k", "-f", "ogg", str(path)]
        subprocess.run(argv, check=True)
        wav.unlink()
    else:
        soundfile.write(path, samples, RATE_HZ, subtype="PCM_24")
    return path


def _family(samples: Float32) -> str:
    """Opus's mapping family: 255 for channels without a meaning."""
    return "0" if samples.ndim == 1 or samples.shape[1] <= 2 else "255"
