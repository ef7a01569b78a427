"""The wetland: the species at each microphone, and a seeded random scene of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tidzam.demo.scene import Event, Scene

LENGTH_S = {
    "birds-chickadee": (2.0, 5.0),
    "birds-sparrow": (2.0, 5.0),
    "birds-warbler": (2.0, 5.0),
    "birds-dove": (2.6, 6.0),
    "frogs-peeper": (3.0, 7.0),
    "frogs-bullfrog": (2.0, 5.0),
    "crickets": (5.0, 12.0),
    "rain": (6.0, 14.0),
    "wind": (6.0, 12.0),
    "engine": (7.0, 12.0),
}
"""The duration of each voice in seconds, shortest and longest."""

DISTANCE_M = {"crickets": (4.0, 15.0), "rain": (8.0, 20.0), "wind": (8.0, 20.0), "engine": (8.0, 25.0)}
"""The distance of each in meters; other animals are at 5 to 50 m."""
ANIMAL_M = (5.0, 50.0)
NEAR_M = 8.0


@dataclass(frozen=True)
class Site:
    """The site of a microphone: the voices that call in turn, the background sounds, and the first voice."""

    callers: tuple[str, ...]
    beds: tuple[str, ...]
    opening: str


SITES = (
    Site(
        ("birds-chickadee", "birds-warbler", "birds-sparrow", "birds-dove", "engine"),
        ("wind", "rain"),
        "birds-chickadee",
    ),
    Site(("frogs-peeper", "frogs-bullfrog", "birds-warbler", "frogs-peeper"), ("crickets", "rain"), "frogs-peeper"),
    Site(("birds-sparrow", "birds-dove", "frogs-bullfrog", "birds-warbler"), ("crickets", "wind"), "birds-warbler"),
    Site(("engine", "birds-dove", "frogs-bullfrog", "birds-sparrow"), ("rain", "wind", "crickets"), "frogs-bullfrog"),
)
"""The edge of a wood, a pond, a meadow, a road across a creek. Further channels repeat them in order."""


def wetland(seed: int, *, duration_s: float = 120.0, channels: int = 4, rate_hz: int = 44100) -> Scene:
    """A scene with different events on every channel; on each, one begins within the first two seconds."""
    events: list[Event] = []
    noise_dbfs = []
    for channel in range(channels):
        rng = np.random.default_rng([seed, channel, 1])
        site = SITES[channel % len(SITES)]
        noise_dbfs.append(float(rng.uniform(-70, -58)))
        events += _opening(rng, site, channel)
        events += _callers(rng, site, channel, duration_s)
        events += _beds(rng, site, channel, duration_s)
    fitting = (event for event in events if event.end_s <= duration_s)
    return Scene(
        name="wetland",
        seed=seed,
        duration_s=duration_s,
        rate_hz=rate_hz,
        noise_dbfs=tuple(noise_dbfs),
        events=tuple(sorted(fitting, key=lambda event: (event.start_s, event.channel))),
    )


def event(rng: Generator, label: str, channel: int, start_s: float, *, distance_m: float | None = None) -> Event:
    """An event of drawn length and, unless it is given, distance."""
    nearest, farthest = DISTANCE_M.get(label, ANIMAL_M)
    drawn_m = float(np.exp(rng.uniform(np.log(nearest), np.log(farthest))))
    return Event(
        label=label,
        channel=channel,
        start_s=start_s,
        end_s=start_s + float(rng.uniform(*LENGTH_S[label])),
        distance_m=distance_m or drawn_m,
        seed=int(rng.integers(2**31)),
    )


def _opening(rng: Generator, site: Site, channel: int) -> Iterator[Event]:
    """A near call, twice, without overlap, so that the first detection after a start is clear."""
    first = event(rng, site.opening, channel, float(rng.uniform(0.5, 1.5)), distance_m=NEAR_M)
    yield first
    yield event(rng, site.opening, channel, first.end_s + 0.5, distance_m=NEAR_M)


def _callers(rng: Generator, site: Site, channel: int, duration_s: float) -> Iterator[Event]:
    """One call after another, some of them overlapping, with pauses in between."""
    now_s = 14.0
    while now_s < duration_s:
        call = event(rng, str(rng.choice(site.callers)), channel, now_s)
        yield call
        if rng.random() < 0.3:
            others = [label for label in site.callers if label != call.label]
            yield event(rng, str(rng.choice(others)), channel, now_s + float(rng.uniform(0.3, 1.5)))
        now_s = call.end_s + float(rng.uniform(5, 9) if rng.random() < 0.25 else rng.uniform(0.5, 3))


def _beds(rng: Generator, site: Site, channel: int, duration_s: float) -> Iterator[Event]:
    """Weather and insects under the calls, about half of the time."""
    now_s = float(rng.uniform(10, 14))
    while now_s < duration_s:
        bed = event(rng, str(rng.choice(site.beds)), channel, now_s)
        yield bed
        now_s = bed.end_s + float(rng.uniform(4, 12))
