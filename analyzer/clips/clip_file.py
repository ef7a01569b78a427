"""The file of a clip: WAV, FLAC or Opus with tags, and a spectrogram beside it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from tidzam.atomic import write_atomically
from tidzam.audio.resample import resample
from tidzam.errors import SetupError
from tidzam.types import Float32

OPUS_HZ: Final = 48000
_FORMATS: Final = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".opus": ("OGG", "OPUS")}
SUFFIXES: Final = frozenset(_FORMATS)
_FFT: Final = 512
_HOP: Final = 256
_RANGE_DB: Final = 80.0
_LOWEST_PEAK_DB: Final = -40.0
"""Clips with a lower peak are drawn darker."""
_SHADES: Final = 64


@dataclass(frozen=True, kw_only=True)
class ClipTags:
    """What the tags of a clip say: `label` is its title, `node` its artist, and a JSON object its comment."""

    label: str
    node: str
    start: datetime
    comment: dict[str, Any]


def write_clip(path: Path, samples: Float32, rate_hz: int, tags: ClipTags | None = None) -> None:
    """Write samples (frames,) in the format of the suffix of `path`, completely or not at all.

    WAV and FLAC have 16 bits; Opus has 48 kHz, to which the samples are resampled. Raises OSError.
    """
    container, subtype = _FORMATS[path.suffix]
    if subtype == "OPUS" and rate_hz != OPUS_HZ:
        samples, rate_hz = resample(samples[None], rate_hz, OPUS_HZ)[0], OPUS_HZ
    encoded = io.BytesIO()
    with soundfile.SoundFile(encoded, "w", samplerate=rate_hz, channels=1, format=container, subtype=subtype) as file:
        if tags is not None:
            file.title, file.artist, file.software = tags.label, tags.node, "Tidzam"
            file.date, file.comment = tags.start.isoformat(), json.dumps(tags.comment, ensure_ascii=False)
        file.write(samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encoded.getbuffer())


def read_tags(path: Path) -> dict[str, Any]:
    """The JSON object in the comment of a clip; empty if there is none. Raises soundfile.LibsndfileError."""
    with soundfile.SoundFile(path) as file:
        comment = file.comment
    try:
        found = json.loads(comment)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def require_pictures() -> None:
    """Raises SetupError without Matplotlib."""
    try:
        import matplotlib  # noqa: F401  it is optional, and brings Pillow
    except ImportError:
        raise SetupError(
            "Pictures of clips need the package matplotlib.",
            hint="Run `bin/tidzam install show`, or set `picture: false`.",
        ) from None


def write_picture(path: Path, samples: Float32) -> None:
    """Write the spectrogram of samples (frames,) as a PNG: a column per 256 samples, low frequencies at the bottom, a
    range of 80 dB in 64 shades. Raises OSError."""
    from matplotlib import colormaps  # see require_pictures
    from PIL import Image

    padded = np.pad(samples, (0, max(0, _FFT - len(samples))))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    power = np.abs(np.fft.rfft(pieces * np.hanning(_FFT).astype(np.float32), axis=1)) ** 2
    level = 10 * np.log10(np.maximum(power, 1e-12))
    depth = np.clip((level - max(float(level.max()), _LOWEST_PEAK_DB)) / _RANGE_DB + 1, 0, 1)
    image = Image.fromarray(np.ascontiguousarray((depth * (_SHADES - 1)).astype(np.uint8).T[::-1]), "L")
    image.putpalette((255 * colormaps["magma"](np.linspace(0, 1, _SHADES))[:, :3]).astype(np.uint8).tobytes())
    encoded = io.BytesIO()
    image.save(encoded, "PNG", optimize=True)
    write_atomically(path, encoded.getbuffer())
