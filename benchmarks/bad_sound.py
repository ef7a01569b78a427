"""`bench bad-sound`: what sound that is hard on arithmetic costs the analysis, in processor time against noise."""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from analyzer.live.sample_check import SampleCheck
from analyzer.pipeline import Pipeline
from tests.support.bad_sounds import BAD_SOUNDS
from tests.support.birdnet import HOME, installed_birdnet
from tidzam.config.settings import AnalyzerSettings
from tidzam.denormals import flush_denormals
from tidzam.inference.cascade import Cascade
from tidzam.progress import Say
from tidzam.results import Analysis, WindowBatch
from tidzam.types import Float32

TITLE = "sound that is hard on arithmetic (NaN, denormals, square waves): processor time against noise"

RATE_HZ: Final = 48000
CHANNELS: Final = 16
SEED: Final = 1


def run(say: Say, *, rounds: str = "9", models: str = "") -> dict[str, Any]:
    """Analyze windows of each bad sound on 16 channels, in rounds in which each has one turn.

    The classifier is the demo's selector, without experts, whose number would depend on the sound; with
    `--models birdnet` it is BirdNET. Figures are medians over the rounds of the processor time of one thread, as a
    multiple of that of noise; `without_flush` is that of denormal numbers in a thread that does not flush them to zero.
    """
    logging.getLogger("analyzer.live.sample_check").setLevel(logging.ERROR)
    if models:
        installed_birdnet()
    settings = AnalyzerSettings(models=tuple(filter(None, [models])))
    pipeline = Pipeline(Cascade(Pipeline.of(settings, home=HOME if models else None).cascade.classifiers[:1]))
    noise: Float32 = np.random.default_rng(SEED).normal(0, 0.1, _frames(pipeline)).astype(np.float32)
    sounds = {"noise": noise, **{name: signal(0, len(noise)) for name, signal in BAD_SOUNDS.items()}}
    batches = {name: _batch(sound) for name, sound in sounds.items()}
    say(f"{pipeline.classifiers[0]}: {len(sounds)} sounds, {rounds} rounds")
    with ThreadPoolExecutor(1, initializer=flush_denormals) as pool:
        flushed, found = pool.submit(_timed, pipeline, batches, int(rounds)).result()
    few = {name: batches[name] for name in ("noise", "denormal", "fade")}
    with ThreadPoolExecutor(1) as pool:
        plain, _ = pool.submit(_timed, pipeline, few, int(rounds)).result()
    return {
        "classifier": pipeline.classifiers[0],
        "cpu_ms_noise": round(1000 * flushed["noise"], 2),
        "cpu_ratio": {name: round(took / flushed["noise"], 3) for name, took in flushed.items() if name != "noise"},
        "cpu_ratio_without_flush": {name: round(plain[name] / plain["noise"], 3) for name in ("denormal", "fade")},
        "scores_that_are_not_finite": sum(
            not math.isfinite(score) for one in found for score in one.probabilities.values()
        ),
        "windows_left_out": sum(pipeline.classifier_errors.values()),
    }


def _frames(pipeline: Pipeline) -> int:
    return round(pipeline.window_s * RATE_HZ)


def _batch(sound: Float32) -> WindowBatch:
    return WindowBatch(
        channels=tuple(f"bench:out_{number}" for number in range(CHANNELS)),
        samples=np.tile(sound, (CHANNELS, 1)),
        rate_hz=RATE_HZ,
        start_frame=0,
        starts=(datetime(2026, 5, 1, tzinfo=UTC),) * CHANNELS,
        gap_frames=(0,) * CHANNELS,
    )


def _timed(
    pipeline: Pipeline, batches: Mapping[str, WindowBatch], rounds: int
) -> tuple[dict[str, float], list[Analysis]]:
    """The median processor time of this thread for each batch, in seconds, and the analyses of the last round."""
    check, found = SampleCheck(), list[Analysis]()
    took: dict[str, list[float]] = {name: [] for name in batches}
    for number in range(rounds + 1):
        found.clear()
        for name, batch in batches.items():
            took_s, analyses = _clocked(lambda batch=batch: pipeline.analyze(check.cleaned(batch)))  # type: ignore[misc]
            found += analyses
            if number:  # the first round warms up
                took[name].append(took_s)
    return {name: statistics.median(times) for name, times in took.items()}, found


def _clocked(work: Callable[[], tuple[Analysis, ...]]) -> tuple[float, tuple[Analysis, ...]]:
    began_s = time.thread_time()
    analyses = work()
    return time.thread_time() - began_s, analyses
