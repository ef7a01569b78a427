"""The tone of a hand: what it plays in JACK's cycles."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from examples.theremin.hand_memory import NO_HAND, HandMemory, HandReading
from examples.theremin.notes import DEFAULT_RANGE
from examples.theremin.pitch import pitch_curve
from examples.theremin.tone import STALE_S, HandTone, ToneOptions, tone_argv
from tidzam.types import Float32

RATE_HZ = 48000


@pytest.fixture
def memory() -> Iterator[HandMemory]:
    created, fd = HandMemory.create()
    yield created
    os.close(fd)


@pytest.fixture
def tone(memory: HandMemory) -> HandTone:
    return HandTone(memory, DEFAULT_RANGE, RATE_HZ)


def played(tone: HandTone, seconds: float) -> Float32:
    """What it plays in cycles of 256 frames, shape (frames,)."""
    blocks = [np.zeros((1, 256), np.float32) for _ in range(round(seconds * RATE_HZ / 256))]
    for number, block in enumerate(blocks):
        tone.fill(256 * number, block)
    return np.asarray(np.concatenate(blocks, axis=1)[0])


def test_without_a_hand_it_is_silent(tone: HandTone) -> None:
    assert np.abs(played(tone, 0.1)).max() < 1e-6


@pytest.mark.parametrize("area", [0.02, 0.08, 0.3, 0.9])
def test_it_plays_the_note_of_the_latest_area(tone: HandTone, memory: HandMemory, area: float) -> None:
    memory.write(HandReading(0.05, 1.0))
    memory.write(HandReading(area, 1.0))
    curve = pitch_curve(played(tone, 0.3), RATE_HZ)
    assert np.nanmedian(curve.notes) == pytest.approx(DEFAULT_RANGE.note_of_area(area), abs=0.02)


def test_the_second_hand_sets_the_loudness(tone: HandTone, memory: HandMemory) -> None:
    levels = []
    for loudness in (1.0, 0.5, 0.0):
        memory.write(HandReading(0.1, loudness))
        played(tone, 0.2)
        levels.append(np.abs(played(tone, 0.1)).max())
    assert levels[1] == pytest.approx(levels[0] / 2, rel=0.01)
    assert levels[2] < 1e-5


def test_a_hand_that_goes_away_ends_the_tone(tone: HandTone, memory: HandMemory) -> None:
    memory.write(HandReading(0.1, 1.0))
    assert np.abs(played(tone, 0.2)).max() > 0.1
    memory.write(NO_HAND)
    played(tone, 0.2)
    assert np.abs(played(tone, 0.1)).max() < 1e-5


def test_a_camera_that_hangs_ends_the_tone_until_it_shows_something(tone: HandTone, memory: HandMemory) -> None:
    memory.write(HandReading(0.1, 1.0))
    loud = []
    for now_s in (10.0, 10.0 + STALE_S / 2, 10.1 + STALE_S):
        tone.watch(now_s)
        played(tone, 0.2)
        loud.append(np.abs(played(tone, 0.1)).max() > 1e-4)
    memory.write(HandReading(0.1, 1.0))
    tone.watch(20.0)
    assert (loud, np.abs(played(tone, 0.1)).max() > 0.1) == ([True, True, False], True)


def test_options_pass_through_the_command_line() -> None:
    options = ToneOptions(
        memory_fd=3, range=DEFAULT_RANGE, connections=(("a:out", "b:in"),), audible=("a:out",), microphone_to="b:in_2"
    )
    parsed = ToneOptions.parse(tone_argv(options)[-1])
    assert (parsed.connections, parsed.range, tuple(parsed.audible)) == (
        *(options.connections, options.range, options.audible),
    )
