"""`bench privacy`: how much speech gets through, how much other sound is lost, and what speech detection costs.

Sentences by espeak-ng, of several voices and languages, are mixed into scenes of the demo's wetland, at several levels
against the mean level of the channel. `python -m analyzer --stream` keeps every window as a clip, once with
`privacy.action: mute` per level; what is silent in the clips was not kept. The same scenes without speech, and the
recordings of ESC-10 if they are there, show what is lost where nobody speaks.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import yaml
from numpy.typing import NDArray

from benchmarks.esc10 import DATA_VARIABLE
from tests.support.silero import silero_home
from tests.support.speech import SENTENCES, spoken, with_speech
from tidzam.audio.resample import resample
from tidzam.config.privacy import PrivacySettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.demo.render import render
from tidzam.demo.wetland import wetland
from tidzam.errors import NodeError
from tidzam.naming import parse_clip_name
from tidzam.progress import Say
from tidzam.speech.files import speech_in
from tidzam.types import Float32

TITLE = "speech that gets through and other sound that is lost with privacy, and its cost"

ESC10: Final = Path(os.environ.get(DATA_VARIABLE, Path(__file__).parents[2] / "shared" / "data")) / "esc10"
SEED: Final = 3001
PAUSE_S: Final = (4.0, 9.0)
LEVELS_DB: Final = (-12, -6, 0, 6, 12)
_STEP_S: Final = 0.01


@dataclass
class PrivacyTally:
    """Seconds of speech and those of them that were kept; seconds of other sound and those of them that were lost.

    What lies within the margin of speech is neither.
    """

    speech_s: float = 0.0
    through_s: float = 0.0
    other_s: float = 0.0
    lost_s: float = 0.0
    sentences: int = 0
    whole: int = 0

    def figures(self) -> dict[str, float | None]:
        return {
            "speech_through": round(self.through_s / self.speech_s, 4) if self.speech_s else None,
            "sentences_through": round(self.whole / self.sentences, 4) if self.sentences else None,
            "other_lost": round(self.lost_s / self.other_s, 4) if self.other_s else None,
        }


def run(say: Say, *, minutes: str = "10", margin_s: str = "1", threshold: str = "0.3") -> dict[str, Any]:
    """Mix, analyze, compare. `minutes` are those of a scene of four channels per level."""
    settings = {"detector": "silero-vad", "action": "mute", "margin_s": float(margin_s), "threshold": float(threshold)}
    settings["scope"] = "channel"
    scene = wetland(SEED, duration_s=60 * float(minutes), channels=4)
    samples, levels = render(scene).samples, dict[str, Any]()
    for snr_db in (None, *LEVELS_DB):
        tally, name = _tally(samples, scene.rate_hz, snr_db, settings), "alone" if snr_db is None else f"{snr_db:+d} dB"
        levels[name] = tally.figures()
        say(_line(name, tally))
    figures = {"minutes": float(minutes), **settings, "levels": levels}
    figures["esc10_lost"] = _esc10(say, PrivacySettings(**settings))
    figures["core_share_per_channel"] = _cost(say, samples, scene.rate_hz)
    return figures


def _tally(samples: Float32, rate_hz: int, snr_db: int | None, settings: dict[str, Any]) -> PrivacyTally:
    """Analyze a scene with speech at one level."""
    rng, mixed, spans = np.random.default_rng(SEED), samples.copy(), list[list[tuple[float, float]]]()
    for channel, sound in enumerate(samples):
        starts_s = list(_starts_s(rng, sound.shape[0] / rate_hz, rate_hz)) if snr_db is not None else []
        mixed[channel], found = with_speech(sound, rate_hz, starts_s=starts_s, snr_db=float(snr_db or 0))
        spans.append(found)
    peak = float(np.abs(mixed).max())
    with tempfile.TemporaryDirectory(prefix="tidzam-privacy-") as temporary:
        path = Path(temporary) / "scene-2026-05-01-06-30-00.flac"
        soundfile.write(path, (mixed / max(1.0, peak)).T, rate_hz, subtype="PCM_24")
        kept = _kept(path, Path(temporary), settings, mixed.shape[1] / rate_hz)
    tally = PrivacyTally()
    for of_channel, known in zip(spans, kept, strict=True):
        _add(tally, of_channel, known, settings["margin_s"])
    return tally


def _starts_s(rng: np.random.Generator, duration_s: float, rate_hz: int) -> Iterator[float]:
    """When sentences begin: they do not overlap, and the last one ends before the scene does."""
    start_s, number = float(rng.uniform(*PAUSE_S)), 0
    while (end_s := start_s + len(spoken(number, rate_hz)) / rate_hz) < duration_s - 1:
        yield start_s
        start_s, number = end_s + float(rng.uniform(*PAUSE_S)), number + 1


def _kept(path: Path, folder: Path, settings: dict[str, Any], duration_s: float) -> list[NDArray[np.bool_]]:
    """Which hundredths of a second of each channel are in a clip of it, and not muted there."""
    clips = {"type": "clips", "folder": str(folder / "clips"), "rules": [{"rate": 1.0}]}
    profile = folder / "profile.yaml"
    analyzer = {"sinks": [clips], "privacy": settings}
    profile.write_text(yaml.safe_dump({"home": str(silero_home()), "analyzer": analyzer}), encoding="utf-8")
    argv = [sys.executable, "-m", "analyzer", "--stream", str(path), "--profile", str(profile), "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NodeError(f"analyzer --stream {path.name} ended with {done.returncode}: {done.stderr[-500:]}")
    kept = [np.zeros(round(duration_s / _STEP_S) + 1, np.bool_) for _ in range(4)]
    for clip in (folder / "clips").rglob("*.flac"):
        name = parse_clip_name(clip)
        assert name is not None
        assert name.channel is not None
        samples, rate_hz = soundfile.read(clip, dtype="float32")
        block = round(_STEP_S * rate_hz)
        loud = np.abs(samples[: len(samples) // block * block].reshape(-1, block)).max(axis=1) > 0
        first = round((name.time.minute * 60 + name.time.second + name.time.microsecond / 1e6 - 30 * 60) / _STEP_S)
        kept[name.channel][first : first + len(loud)] |= loud[: len(kept[name.channel]) - first]
    return kept


def _add(tally: PrivacyTally, spans: Sequence[tuple[float, float]], kept: NDArray[np.bool_], margin_s: float) -> None:
    near = np.zeros(len(kept), np.bool_)
    for start_s, end_s in spans:
        first, last = round(start_s / _STEP_S), round(end_s / _STEP_S)
        through = int(kept[first:last].sum())
        tally.speech_s += (last - first) * _STEP_S
        tally.through_s += through * _STEP_S
        tally.sentences += 1
        tally.whole += through > 0.5 * (last - first)
        margin = round((margin_s + 0.5) / _STEP_S)
        near[max(0, first - margin) : last + margin] = True
    tally.other_s += float((~near).sum()) * _STEP_S
    tally.lost_s += float((~near & ~kept).sum()) * _STEP_S


def _esc10(say: Say, settings: PrivacySettings) -> dict[str, float] | None:
    """The share of each class of ESC-10 that would be lost, margins included. Nobody speaks in it; people sneeze."""
    if not ESC10.is_dir():
        return None
    lost = {}
    for folder in sorted(path for path in ESC10.iterdir() if path.is_dir()):
        shares = []
        for path in sorted(folder.iterdir()):
            samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
            (speech,) = speech_in([samples[:, :1]], rate_hz, AnalyzerSettings(privacy=settings), home=silero_home())
            margin = round(settings.margin_s * rate_hz)
            wide = np.zeros(len(samples), np.bool_)
            for first, last in speech:
                wide[max(0, first - margin) : last + margin] = True
            shares.append(float(wide.mean()))
        lost[folder.name] = round(float(np.mean(shares)), 4)
        say(f"{folder.name:16} {100 * lost[folder.name]:5.1f}% lost")
    return lost


def _cost(say: Say, samples: Float32, rate_hz: int) -> float:
    """The share of a core that one channel takes, resampling included."""
    audio = resample(samples, rate_hz, 48000).T
    settings = AnalyzerSettings(privacy=PrivacySettings(detector="silero-vad"))
    blocks = [audio[start : start + 48000] for start in range(0, len(audio), 48000)]
    began_s = time.process_time()
    speech_in(blocks, 48000, settings, home=silero_home())
    share = float((time.process_time() - began_s) / (len(audio) / 48000) / audio.shape[1])
    say(f"one channel takes {100 * share:.2f}% of a core, {len(SENTENCES)} voices were used")
    return round(share, 5)


def _line(name: str, tally: PrivacyTally) -> str:
    other = f"{100 * tally.lost_s / max(tally.other_s, 1e-9):4.1f}% of other sound is lost"
    if not tally.speech_s:
        return f"{name:8} {other}"
    through = f"{100 * tally.through_s / tally.speech_s:4.1f}% of speech gets through"
    return f"{name:8} {other}, {through} ({tally.whole} of {tally.sentences} sentences)"
