"""`bench signal-health`: how well faults of the signal are distinguished from sounds, on ESC-10, and what that costs.

Each clip of five seconds is judged as it is, which counts the false alarms, and with each fault added to it, which
counts the faults that are found.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import soundfile

from benchmarks.esc10 import find_clips
from stream_manager.signals.analysis import FRAMES, measure
from stream_manager.signals.meter import judge
from tidzam.config.signal_health import SignalHealthSettings
from tidzam.progress import Say
from tidzam.protocol.signals import SignalState
from tidzam.types import Float32

TITLE = "false alarms and found faults of the signal on clips of real recordings, and the cost per channel"

STUCK_FRAMES: Final = 2048
HUM_OVER_DB: Final = 12.0
"""How much louder than the clip the hum is that is added to it."""
CLIPPED_SHARE: Final = 0.01
NARROW_HZ: Final = 4000.0
"""That of a telephone, or of a source at 8 kHz."""


def run(say: Say) -> dict[str, Any]:
    """Judge every clip of ESC-10. Raises DatasetError if it is not there."""
    settings, alarms, found = SignalHealthSettings(), Counter[str](), Counter[str]()
    per_class: dict[str, Counter[str]] = {}
    clips, judged, spent_s, excerpts = find_clips(), Counter[str](), 0.0, 0
    for clip in clips:
        samples, rate_hz = soundfile.read(clip.path, dtype="float32")
        began_s = time.process_time()
        state = _state(samples, rate_hz, settings)
        spent_s, excerpts = spent_s + time.process_time() - began_s, excerpts + len(samples) // FRAMES
        if state is not SignalState.WELL:
            alarms[state] += 1
            per_class.setdefault(clip.label, Counter())[state] += 1
        for expected, fault in FAULTS.items():
            if (broken := fault(samples, rate_hz)) is not None:
                judged[expected] += 1
                found[expected] += _state(broken, rate_hz, settings) is expected
    for label, states in per_class.items():
        say(f"{label}: {', '.join(f'{count} {state}' for state, count in states.items())}")
    return {
        "clips": len(clips),
        "alarms": dict(alarms),
        "alarms_by_class": {label: dict(states) for label, states in per_class.items()},
        "found": {str(state): f"{found[state]} of {judged[state]}" for state in FAULTS},
        "ms_per_excerpt": 1000 * spent_s / excerpts,
        "core_for_64_channels": 64 * spent_s / excerpts / settings.interval_s,
    }


def _state(samples: Float32, rate_hz: int, settings: SignalHealthSettings) -> SignalState:
    starts = range(0, len(samples) - FRAMES + 1, FRAMES)
    return judge([measure(samples[start : start + FRAMES], rate_hz) for start in starts], settings)


def _stuck(samples: Float32, rate_hz: int) -> Float32 | None:
    """The loudest piece of the clip again and again."""
    pieces = samples[: len(samples) // STUCK_FRAMES * STUCK_FRAMES].reshape(-1, STUCK_FRAMES)
    return np.resize(pieces[np.argmax((pieces**2).sum(axis=1))], len(samples))


def _hum(samples: Float32, rate_hz: int) -> Float32 | None:
    """The clip under hum that is louder by HUM_OVER_DB."""
    time_s = np.arange(len(samples)) / rate_hz
    lines = np.sum([np.sin(2 * np.pi * 50 * k * time_s) / k for k in (1, 2, 3, 5)], axis=0)
    loudest = max(float(np.std(samples[start : start + FRAMES])) for start in range(0, len(samples), FRAMES))
    scale = loudest * 10 ** (HUM_OVER_DB / 20) / float(np.std(lines))
    return np.asarray((samples + scale * lines) / max(1.0, 4 * scale), np.float32)


def _clipped(samples: Float32, rate_hz: int) -> Float32 | None:
    """The clip, so loud that CLIPPED_SHARE of its samples are at full scale."""
    level = float(np.quantile(np.abs(samples), 1 - 2 * CLIPPED_SHARE))
    return None if level < 1e-3 else np.clip(samples / np.float32(level), -1, 1)


def _narrow(samples: Float32, rate_hz: int) -> Float32 | None:
    """The clip below NARROW_HZ, in 16 bits."""
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / rate_hz) > NARROW_HZ] = 0
    return np.asarray(np.round(np.fft.irfft(spectrum, len(samples)) * 32768) / 32768, np.float32)


FAULTS: Mapping[SignalState, Callable[[Float32, int], Float32 | None]] = {
    SignalState.DIGITAL_SILENCE: lambda samples, rate_hz: np.zeros_like(samples),
    SignalState.STUCK: _stuck,
    SignalState.QUASI_SILENCE: lambda samples, rate_hz: samples * 1e-5,
    SignalState.CLIPPING: _clipped,
    SignalState.HUM: _hum,
    SignalState.NARROW_BAND: _narrow,
}
