"""Rendering: from a scene to audio, and to the ground truth of that audio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import scipy.fft
import soundfile
from numpy.random import Generator
from scipy.signal import oaconvolve
from scipy.signal.windows import hann

from tidzam.atomic import write_atomically
from tidzam.audio.features import FeatureSpec, mel_filters
from tidzam.demo import voices, weather
from tidzam.demo.scene import LABELS, SILENCE, AudibleEvent, Event, Scene, Truth, gaps
from tidzam.types import Float32

Voice = Callable[[Generator, int, float], Float32]

VOICES: dict[str, tuple[Voice, float]] = {
    "birds-chickadee": (voices.chickadee, -22.0),
    "birds-sparrow": (voices.sparrow, -22.0),
    "birds-warbler": (voices.warbler, -22.0),
    "birds-dove": (voices.dove, -24.0),
    "frogs-peeper": (voices.peeper, -24.0),
    "frogs-bullfrog": (voices.bullfrog, -26.0),
    "crickets": (voices.crickets, -28.0),
    "rain": (weather.rain, -30.0),
    "wind": (weather.wind, -26.0),
    "engine": (weather.engine, -22.0),
}
"""The function of each voice, and its RMS level in dBFS at `REFERENCE_M`."""

REFERENCE_M = 10.0
ECHO_S = 0.4
"""How long after an event its channel does not count as silent, because of the echo."""
MIN_SILENCE_S = 1.0


@dataclass(frozen=True)
class Rendering:
    """`samples` has shape (channels, frames), float32 in -1…1. The end joins the beginning."""

    samples: Float32
    truth: Truth


def render(scene: Scene) -> Rendering:
    """Render the audio of a scene and its ground truth. The same scene always gives the same samples."""
    n = round(scene.duration_s * scene.rate_hz)
    samples = np.empty((scene.channels, n), dtype=np.float32)
    heard: list[AudibleEvent] = []
    for channel in range(scene.channels):
        samples[channel], on_channel = _render_channel(scene, channel, n)
        heard += on_channel
    truth = Truth(
        name=scene.name,
        seed=scene.seed,
        duration_s=scene.duration_s,
        rate_hz=scene.rate_hz,
        channels=scene.channels,
        events=tuple(sorted(heard, key=lambda event: (event.start_s, event.channel))),
    )
    return Rendering(samples, truth)


def write_scene(folder: Path, name: str, scene: Scene) -> tuple[Path, Path]:
    """Render `scene` into `folder` as NAME.flac (16 bit) and NAME.json (its ground truth). Returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rendering = render(scene)
    sound, truth = folder / f"{name}.flac", folder / f"{name}.json"
    encoded = BytesIO()
    soundfile.write(encoded, rendering.samples.T, scene.rate_hz, format="FLAC", subtype="PCM_16")
    write_atomically(truth, rendering.truth.model_dump_json(indent=1) + "\n")
    write_atomically(sound, encoded.getbuffer())  # last: callers look for the audio
    return sound, truth


@dataclass(frozen=True)
class _Placed:
    """An event's audio at the microphone, without echo, and its first frame on the channel."""

    event: Event
    start: int
    sound: Float32

    @property
    def end(self) -> int:
        return self.start + len(self.sound)


def _render_channel(scene: Scene, channel: int, n: int) -> tuple[Float32, list[AudibleEvent]]:
    rng = np.random.default_rng([scene.seed, channel])
    noise_dbfs = scene.noise_dbfs[channel]
    mix = weather.noise_floor(rng, n, level_dbfs=noise_dbfs, rate_hz=scene.rate_hz)
    wet = np.zeros(n, dtype=np.float32)
    placed = [_place(event, scene.rate_hz, n) for event in scene.events if event.channel == channel]
    for one in placed:
        mix[one.start : one.end] += one.sound
        wet[one.start : one.end] += one.sound * np.float32(min(0.4, one.event.distance_m / 200))
    heard = [_heard(one, mix, scene.rate_hz) for one in placed]
    if placed:
        mix += _circular(wet, weather.echo(rng, scene.rate_hz))
    return np.clip(mix, -1, 1), heard + _silences(scene, channel, heard)


def _place(event: Event, rate_hz: int, n: int) -> _Placed:
    """Synthesize an event: its voice, attenuated and low-pass filtered by distance."""
    voice, level_dbfs = VOICES[event.label]
    start = int(event.start_s * rate_hz)
    sound = voice(np.random.default_rng(event.seed), rate_hz, event.end_s - event.start_s)[: n - start]
    sound = weather.far_away(sound, distance_m=event.distance_m, rate_hz=rate_hz)
    rms = max(float(np.sqrt(np.mean(sound**2))), 1e-9)
    gain = 10 ** (level_dbfs / 20) * REFERENCE_M / event.distance_m / rms
    return _Placed(event, start, sound * np.float32(gain))


def _circular(sound: Float32, response: Float32) -> Float32:
    """`sound` convolved with `response`; the tail past the end wraps around to the beginning."""
    full = oaconvolve(sound, response)
    ringing = full[len(sound) :]
    echoed: Float32 = full[: len(sound)].copy()
    fits = min(len(ringing), len(echoed))
    echoed[:fits] += ringing[:fits]
    return echoed


def _heard(placed: _Placed, mix: Float32, rate_hz: int) -> AudibleEvent:
    event, sound = placed.event, placed.sound
    return AudibleEvent(
        label=event.label,
        path=LABELS.path(event.label),
        channel=event.channel,
        start_s=round(placed.start / rate_hz, 3),
        end_s=round(placed.end / rate_hz, 3),
        distance_m=round(event.distance_m, 1),
        level_dbfs=round(20 * float(np.log10(np.sqrt(np.mean(sound**2)))), 1),
        snr_db=round(_snr_db(sound, mix[placed.start : placed.end] - sound, rate_hz), 1),
    )


def _snr_db(sound: Float32, rest: Float32, rate_hz: int) -> float:
    """The signal-to-noise ratio of `sound` to `rest` in its best mel band, in dB."""
    own, other = _mel_power(sound, rate_hz), _mel_power(rest, rate_hz)
    return 10 * float(np.log10(np.max((own + 1e-20) / (other + 1e-20))))


def _mel_power(sound: Float32, rate_hz: int, fft_length: int = 1024) -> Float32:
    """The mean power of `sound` in each mel band."""
    spec = FeatureSpec(rate_hz=rate_hz, n_mels=40, fmax_hz=0.45 * rate_hz, fft_length=fft_length)
    blocks = np.resize(sound, (max(1, len(sound) // fft_length), fft_length))
    spectrum = scipy.fft.rfft(blocks * hann(fft_length).astype(np.float32), axis=1)
    power: Float32 = np.mean(np.abs(spectrum) ** 2, axis=0) @ mel_filters(spec)
    return power


def _silences(scene: Scene, channel: int, heard: list[AudibleEvent]) -> list[AudibleEvent]:
    spans = [(event.start_s, event.end_s + ECHO_S) for event in heard]
    return [
        AudibleEvent(
            label=SILENCE,
            path=(SILENCE,),
            channel=channel,
            start_s=round(start, 3),
            end_s=round(end, 3),
            distance_m=None,
            level_dbfs=round(scene.noise_dbfs[channel], 1),
            snr_db=0.0,
        )
        for start, end in gaps(spans, duration_s=scene.duration_s, min_s=MIN_SILENCE_S)
    ]
