"""The spectrograms of the present: who gets which, and for how long they are asked for."""

from __future__ import annotations

import pytest

from console.live.spectrograms import ALL, LiveSpectrograms
from tests.support.live_events import PORT, spectrogram

OTHER = "wetland:out_1"


class Stopwatch:
    time_s = 100.0

    def __call__(self) -> float:
        return self.time_s


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def kept(clock: Stopwatch) -> LiveSpectrograms:
    return LiveSpectrograms(clock=clock)


def test_a_browser_gets_its_channels_of_what_is_new_to_it(kept: LiveSpectrograms) -> None:
    kept.add(spectrogram(0, PORT, OTHER))
    seen = kept.last
    kept.add(spectrogram(1, PORT, OTHER))
    kept.add(spectrogram(2, OTHER))
    assert kept.since(seen, frozenset({PORT})) == [spectrogram(1, PORT)]


def test_all_channels_are_sent_to_who_asks_for_all(kept: LiveSpectrograms) -> None:
    kept.add(spectrogram(0, PORT, OTHER))
    assert kept.since(-1, frozenset({ALL})) == [spectrogram(0, PORT, OTHER)]


def test_what_is_kept_is_bounded(kept: LiveSpectrograms) -> None:
    for number in range(1000):
        kept.add(spectrogram(number))
    assert len(kept.since(-1, frozenset({ALL}))) < 100


def test_they_are_asked_for_while_somebody_looks_and_a_little_longer(kept: LiveSpectrograms, clock: Stopwatch) -> None:
    assert not kept.are_viewed
    with kept.viewed(), kept.viewed():
        clock.time_s += 3600
        assert kept.are_viewed
    clock.time_s += 9
    assert kept.are_viewed
    clock.time_s += 2
    assert not kept.are_viewed
