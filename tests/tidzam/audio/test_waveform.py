"""The input of networks, and the band that they need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tidzam.audio.features import FeatureSpec
from tidzam.audio.waveform import WaveformSpec, missing_share, require_rate, required_rate
from tidzam.errors import AudioError

BIRDS = WaveformSpec(rate_hz=48000, window_s=3.0, fmax_hz=15000.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fmax_hz": 25000.0}, "a band of 0 to 25000 Hz does not fit a rate of 48000 Hz"),
        ({"fmin_hz": 15000.0}, "a band of 15000 to 15000 Hz"),
        ({"window_s": 600.0, "rate_hz": 96000}, "too long"),
        ({"window_s": float("nan")}, "finite"),
        ({"rate_hz": 48000.5}, "integer"),
    ],
)
def test_impossible_inputs_are_refused(changes: dict[str, float], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        WaveformSpec.model_validate({**BIRDS.model_dump(), **changes})


@pytest.mark.parametrize(("rate_hz", "share"), [(48000, 0.0), (30000, 0.0), (22050, 0.265), (15000, 0.5), (100, 0.997)])
def test_the_share_of_the_band_that_audio_lacks(rate_hz: int, share: float) -> None:
    assert missing_share(BIRDS, rate_hz) == pytest.approx(share, abs=1e-3)


@given(st.integers(100, 200_000))
def test_nothing_is_missing_from_the_required_rate_on(rate_hz: int) -> None:
    for spec in (BIRDS, FeatureSpec()):
        assert (missing_share(spec, rate_hz) == 0) == (rate_hz >= required_rate(spec))


def test_a_rate_that_lacks_the_band_is_refused() -> None:
    require_rate(30000, [BIRDS, FeatureSpec()])
    with pytest.raises(AudioError, match="29999 Hz; the classifiers need 30000 Hz or more"):
        require_rate(29999, [BIRDS, FeatureSpec()])
