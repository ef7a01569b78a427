"""The figures of a source: its band, and its interruptions."""

from __future__ import annotations

import pytest

from stream_manager.media import Media
from stream_manager.source_figures import SourceFigures
from tidzam.gaps import GapReason


@pytest.mark.parametrize(
    ("rate_hz", "jack_hz", "is_low", "band_hz"),
    [(8000, 44100, True, 4000), (96000, 48000, False, 24000), (48000, 48000, False, 24000), (None, 48000, False, None)],
)
def test_the_lower_rate_limits_the_band(rate_hz: int | None, jack_hz: int, is_low: bool, band_hz: int | None) -> None:
    figures = SourceFigures(rate_hz=rate_hz)
    assert (figures.has_low_rate(jack_hz), figures.band_hz(jack_hz)) == (is_low, band_hz)


def test_only_late_audio_counts_as_an_underrun() -> None:
    figures = SourceFigures()
    for reason in (GapReason.UNDERRUN, GapReason.NETWORK, GapReason.XRUN):
        figures.interrupted(reason)
    assert (figures.interruptions, figures.underruns) == (3, 2)


def test_media_that_are_opened_have_no_drift_yet() -> None:
    figures = SourceFigures(drift_ppm=12.0)
    figures.open(Media("http://example.org/live.ogg", 1, 48000, None))
    assert (figures.rate_hz, figures.is_live, figures.drift_ppm) == (48000, True, None)
