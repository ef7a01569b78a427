"""The health of synthetic signals, and of real clips."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stream_manager.signals.analysis import FRAMES, measure
from stream_manager.signals.measurement import FLOOR_DBFS, SignalMeasurement
from stream_manager.signals.meter import SignalMeter, judge
from tests.support.signals import RATE_HZ, WELL, clipped, hum, narrow, noise, stuck
from tests.support.sound import tone
from tidzam.config.signal_health import SignalHealthSettings
from tidzam.protocol.signals import SignalState
from tidzam.types import Float32

SETTINGS = SignalHealthSettings()
CLIPS = Path(os.environ.get("TIDZAM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "esc10"
PORT = "pond:out_0"


def state_of(samples: Float32, rate_hz: int = RATE_HZ) -> SignalState:
    """The state after `samples`, taken as the excerpts of one window."""
    excerpts = [samples[start : start + FRAMES] for start in range(0, len(samples) - FRAMES + 1, FRAMES)]
    return judge([measure(excerpt, rate_hz) for excerpt in excerpts], SETTINGS)


@pytest.mark.parametrize(
    ("signal", "state"),
    [
        (lambda: 0 * noise(), SignalState.DIGITAL_SILENCE),
        (lambda: noise(3e-5), SignalState.QUASI_SILENCE),
        (lambda: hum(50.0), SignalState.HUM),
        (lambda: hum(60.0), SignalState.HUM),
        (clipped, SignalState.CLIPPING),
        (narrow, SignalState.NARROW_BAND),
        (stuck, SignalState.STUCK),
        (lambda: stuck(441), SignalState.STUCK),
        (lambda: stuck(4000), SignalState.STUCK),
    ],
    ids=["zeros", "preamplifier", "50 Hz", "60 Hz", "clipped", "telephone", "stuck", "short repeat", "long repeat"],
)
def test_a_fault_is_named(signal: Callable[[], Float32], state: SignalState) -> None:
    assert state_of(signal()) is state


@pytest.mark.parametrize("name", WELL)
def test_a_signal_without_a_fault_is_well(name: str) -> None:
    assert state_of(WELL[name]()) is SignalState.WELL


def test_a_pure_tone_is_not_stuck() -> None:
    assert state_of(tone(1000, duration_s=4) + noise(1e-4)) is not SignalState.STUCK


def test_one_loud_moment_is_enough_to_be_well() -> None:
    pause = 0 * noise()
    pause[-FRAMES:] = noise(frames=FRAMES)
    assert state_of(pause) is SignalState.WELL


def test_hum_of_changing_level_is_not_that_of_the_mains() -> None:
    fading = hum() * np.linspace(0.1, 1, 4 * RATE_HZ, dtype=np.float32)
    assert state_of(fading) is not SignalState.HUM


@pytest.mark.parametrize("amplitude", [1.0, 0.1])
def test_the_level_of_a_sine_is_that_of_its_amplitude(amplitude: float) -> None:
    level_dbfs = measure(tone(1000, amplitude=amplitude)[:FRAMES], RATE_HZ).level_dbfs
    assert level_dbfs == pytest.approx(20 * np.log10(amplitude), abs=0.02)


def test_the_level_of_hum_is_that_of_its_lines() -> None:
    measured = measure(tone(100, amplitude=0.1)[:FRAMES] + noise(0.01, frames=FRAMES), RATE_HZ)
    assert measured.hum_dbfs == pytest.approx(-20, abs=0.2)


@pytest.mark.parametrize("rate_hz", [16000, 44100, 96000])
def test_bandwidth_is_that_of_the_content(rate_hz: int) -> None:
    measured = measure(tone(5200, rate_hz=rate_hz)[:FRAMES], rate_hz)
    assert 5500 <= measured.bandwidth_hz <= 6500


@given(arrays(np.float32, st.integers(64, 300), elements=st.floats(width=32)))
def test_no_samples_break_the_measurement(samples: Float32) -> None:
    measured = measure(samples, RATE_HZ)
    assert FLOOR_DBFS <= measured.level_dbfs < 1000
    assert 0 <= measured.clipped_share <= 1
    assert 0 <= measured.hum_share <= 1.0001
    assert -1.0001 <= measured.repetition <= 1


def test_a_channel_is_unknown_until_it_was_measured_for_long_enough() -> None:
    meter = SignalMeter(SignalHealthSettings(interval_s=2, after_s=6))
    seen = []
    for _ in range(4):
        seen.append(meter.of(PORT).state)
        meter.add({PORT: SignalMeasurement(FLOOR_DBFS, is_zero=True)})
    assert seen == [SignalState.UNKNOWN] * 3 + [SignalState.DIGITAL_SILENCE]


def test_a_channel_that_recovers_is_well() -> None:
    meter = SignalMeter(SignalHealthSettings(interval_s=2, after_s=6))
    for level_dbfs in (FLOOR_DBFS, FLOOR_DBFS, FLOOR_DBFS, -20.0):
        meter.add({PORT: SignalMeasurement(level_dbfs, is_zero=level_dbfs == FLOOR_DBFS, bandwidth_hz=18000)})
    assert (meter.of(PORT).state, meter.of(PORT).level_dbfs) == (SignalState.WELL, -20.0)


def test_a_port_that_is_gone_is_forgotten() -> None:
    meter = SignalMeter(SignalHealthSettings(interval_s=2, after_s=2))
    meter.add({PORT: SignalMeasurement(FLOOR_DBFS, is_zero=True)})
    meter.forget([PORT, "other:out_0"])
    assert meter.of(PORT).state is SignalState.UNKNOWN


def test_a_source_is_stuck_if_none_of_its_channels_transmits() -> None:
    meter = SignalMeter(SignalHealthSettings(interval_s=2, after_s=2))
    meter.add({"a:out_0": SignalMeasurement(-20, repetition=1.0), "a:out_1": SignalMeasurement(-200, is_zero=True)})
    meter.add({"b:out_0": SignalMeasurement(-20, repetition=1.0), "b:out_1": SignalMeasurement(-20)})
    assert meter.is_stuck(["a:out_0", "a:out_1"])
    assert not meter.is_stuck(["b:out_0", "b:out_1"])


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips of ESC-10 are not there")
def test_real_clips_are_neither_stuck_nor_hum() -> None:
    states = {}
    for path in sorted(CLIPS.glob("*/*.ogg"))[::8]:
        samples, rate_hz = soundfile.read(path, dtype="float32")
        states[path.name] = state_of(samples, rate_hz)
    wrong = {name: state for name, state in states.items() if state in (SignalState.STUCK, SignalState.HUM)}
    assert not wrong
