"""Speech for the tests, by espeak-ng: several voices and languages, and mixed into other sound."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import soundfile

from tidzam.audio.resample import resample
from tidzam.types import Float32

SENTENCES: Final = (
    ("en-us", "Good morning. Did you see the heron by the water today?"),
    ("en-gb", "We should walk back to the car before it gets dark."),
    ("en-us+f3", "There is a nest behind the third tree, please be quiet."),
    ("en-us+m3", "I have not heard that bird for many years."),
    ("de", "Guten Morgen, wir gehen heute an den See."),
    ("fr", "Il fait beau ce matin, les oiseaux chantent partout."),
)
"""Voices of espeak-ng and what they say."""
_QUIET: Final = 1e-3


@cache
def spoken(number: int, rate_hz: int) -> Float32:
    """The sentence `number` (counted modulo) at a rate, without silence around it, with an RMS level of 0.1."""
    voice, text = SENTENCES[number % len(SENTENCES)]
    argv = ["espeak-ng", "-v", voice, "-s", "150", "--stdout", text]
    done = subprocess.run(argv, capture_output=True, check=True)
    samples, own_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    heard = np.flatnonzero(np.abs(samples) > _QUIET)
    loud = resample(samples[None, heard[0] : heard[-1] + 1], own_hz, rate_hz)[0]
    scaled: Float32 = loud * np.float32(0.1 / np.sqrt(np.mean(loud**2)))
    return scaled


def with_speech(
    sound: Float32, rate_hz: int, *, starts_s: Sequence[float], snr_db: float
) -> tuple[Float32, list[tuple[float, float]]]:
    """`sound` (frames,) with a sentence from each of some times on, and the seconds from where to where each lasts.

    The level of each sentence lies `snr_db` above that of the whole sound; both are RMS.
    """
    level = float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))
    mixed, spans = sound.copy(), []
    for number, start_s in enumerate(starts_s):
        sentence, start = spoken(number, rate_hz), round(start_s * rate_hz)
        sentence = sentence[: len(mixed) - start]
        mixed[start : start + len(sentence)] += sentence * np.float32(10 * level * 10 ** (snr_db / 20))
        spans.append((start_s, start_s + len(sentence) / rate_hz))
    return mixed, spans
