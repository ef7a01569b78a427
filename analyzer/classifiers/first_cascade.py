"""The cascade with which the analyzer starts: what was promoted last, or that of the settings if it cannot be used."""

from __future__ import annotations

from pathlib import Path

from analyzer.classifiers.reload import ReloadOptions
from analyzer.pipeline import Pipeline
from analyzer.privacy import SpeechStage
from tidzam.audio.waveform import require_rate
from tidzam.bundle.promotions import with_promoted
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import TidzamError


def first_cascade(
    settings: AnalyzerSettings, location: LocationSettings | None, home: Path | None, *, rate_hz: int | None = None
) -> tuple[Pipeline, ReloadOptions]:
    """The pipeline with which a node with these settings starts, and how it is loaded again.

    With `rate_hz`, what was promoted must suit JACK's sample rate. Raises the errors of `Pipeline.of` if the cascade of
    the settings cannot be used.
    """
    options = ReloadOptions.of(settings, location, home)
    promoted = with_promoted(settings, home)
    if promoted != settings:
        try:
            return _verified(promoted, location, home, rate_hz), options
        except TidzamError as error:
            options = ReloadOptions.of(settings, location, home, fault=error)
    return Pipeline.of(settings, location, home=home), options


def _verified(
    settings: AnalyzerSettings, location: LocationSettings | None, home: Path | None, rate_hz: int | None
) -> Pipeline:
    pipeline = Pipeline.of(settings, location, home=home)
    if rate_hz is not None:
        require_rate(rate_hz, pipeline.cascade.specs)
    SpeechStage(settings.privacy, pipeline, home=home)
    return pipeline
