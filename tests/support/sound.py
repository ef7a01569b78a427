"""Test signals: tones that identify their channel, and functions that recognize them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import soundfile

from tidzam.types import Float32

BASE_HZ, STEP_HZ = 400, 200


def tone(*frequencies_hz: float, rate_hz: int = 44100, duration_s: float = 1.0, amplitude: float = 0.2) -> Float32:
    """The sum of sines of `amplitude`, shape (frames,); silence without frequencies."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    mixed = np.zeros(len(time_s))
    for frequency_hz in frequencies_hz:
        mixed += amplitude * np.sin(2 * np.pi * frequency_hz * time_s)
    return mixed.astype(np.float32)


def tones(channels: int, *, seconds: float, rate_hz: int = 44100, first_hz: int = BASE_HZ) -> Float32:
    """A tone per channel, shape (frames, channels), of whole periods per second, so that it can be looped."""
    frequencies_hz = (first_hz + STEP_HZ * channel for channel in range(channels))
    sines = [tone(hz, rate_hz=rate_hz, duration_s=seconds, amplitude=0.25) for hz in frequencies_hz]
    return np.stack(sines, axis=1) if sines else np.zeros((round(seconds * rate_hz), 0), np.float32)


def write_tones(path: Path, channels: int, *, seconds: float, rate_hz: int = 44100, first_hz: int = BASE_HZ) -> Path:
    """A file of `tones`, in the format of its suffix; Ogg by ffmpeg, which keeps the order of channels of Vorbis."""
    sound = tones(channels, seconds=seconds, rate_hz=rate_hz, first_hz=first_hz)
    if path.suffix in (".wav", ".flac"):
        soundfile.write(path, sound, rate_hz, subtype="PCM_16")
        return path
    raw = ["-f", "f32le", "-ar", str(rate_hz), "-ac", str(channels), "-i", "-"]
    argv = ["ffmpeg", "-v", "error", "-y", *raw, "-q:a", "8", str(path)]
    subprocess.run(argv, input=sound.tobytes(), check=True)
    return path


def loudest_hz(samples: Float32, rate_hz: int) -> int:
    """The tone in `samples`, to the nearest `STEP_HZ`; 0 if they are silent or hold several."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    spectrum[: round(50 * len(samples) / rate_hz)] = 0
    if spectrum.max() < 1:
        return 0
    heard = {round(bin * rate_hz / len(samples) / STEP_HZ) for bin in np.flatnonzero(spectrum > 0.1 * spectrum.max())}
    return heard.pop() * STEP_HZ if len(heard) == 1 else 0


def decode_mount(address: str) -> Float32:
    """One second of a mono mount of Icecast at 44100 Hz, after the half second in which an encoder settles."""
    argv = ["ffmpeg", "-v", "error", "-i", address, "-t", "1.5", "-f", "f32le", "-ar", "44100", "-"]
    sound = subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=30).stdout
    return np.frombuffer(sound, np.float32)[44100 // 2 :]


def tone_breaks(samples: Float32, frequency_hz: float, rate_hz: int, *, tolerance: float = 2e-3) -> set[int]:
    """The indices of samples that do not follow from the two before them, as those of a sine do."""
    x = samples.astype(np.float64)
    predicted = 2 * np.cos(2 * np.pi * frequency_hz / rate_hz) * x[1:-1] - x[:-2]
    return {int(index) + 2 for index in np.flatnonzero(np.abs(x[2:] - predicted) > tolerance)}
