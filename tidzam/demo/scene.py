"""A soundscape as values: its events, and the ground truth once it is rendered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tidzam.errors import DatasetError
from tidzam.labels import LabelTree

SILENCE = "silence"

LABELS = LabelTree(
    {
        "birds": None,
        "birds-chickadee": "birds",
        "birds-sparrow": "birds",
        "birds-warbler": "birds",
        "birds-dove": "birds",
        "frogs": None,
        "frogs-peeper": "frogs",
        "frogs-bullfrog": "frogs",
        "crickets": None,
        "rain": None,
        "wind": None,
        "engine": None,
        SILENCE: None,
    }
)

VOICES = tuple(label for label in LABELS if not LABELS.children(label) and label != SILENCE)
"""What a scene's events can be: the leaves of the tree, without silence."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One voice on one channel. It lasts at most `end_s - start_s`, at `distance_m` from the microphone.

    `seed` determines what `label` leaves open: pitch, rhythm, number of individuals.
    """

    label: str
    channel: int
    start_s: float
    end_s: float
    distance_m: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A soundscape that can be rendered. `noise_dbfs` is the noise floor of each channel's microphone."""

    name: str
    seed: int
    duration_s: float
    rate_hz: int
    noise_dbfs: tuple[float, ...]
    events: tuple[Event, ...]

    @property
    def channels(self) -> int:
        return len(self.noise_dbfs)


class AudibleEvent(BaseModel):
    """An event as it can be heard at the microphone.

    `level_dbfs` is its RMS level. `snr_db` is its signal-to-noise ratio to everything else on the channel, in its best
    mel band: it determines whether the event is audible. A silence has the level of the noise floor.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    path: tuple[str, ...]
    channel: int
    start_s: float
    end_s: float
    distance_m: float | None
    level_dbfs: float
    snr_db: float


class Truth(BaseModel):
    """The ground truth of a rendered scene."""

    model_config = ConfigDict(frozen=True)

    name: str
    seed: int
    duration_s: float
    rate_hz: int
    channels: int
    events: tuple[AudibleEvent, ...]


def truth_at(truth: Truth, seconds: float, *, min_snr_db: float = 0.0) -> dict[int, set[str]]:
    """The labels, parents included, that occur on each channel at a time; the scene is looped."""
    time_s = seconds % truth.duration_s
    sounding: dict[int, set[str]] = {channel: set() for channel in range(truth.channels)}
    for event in truth.events:
        if event.start_s <= time_s < event.end_s and event.snr_db >= min_snr_db:
            sounding[event.channel].update(event.path)
    return sounding


def read_truth(path: Path) -> Truth:
    """The ground truth that `write_scene` wrote. Raises DatasetError if it cannot be read."""
    try:
        return Truth.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise DatasetError(f"{path} is not the ground truth of a scene: {error}", hint="Render it again.") from None


def gaps(spans: Iterable[tuple[float, float]], *, duration_s: float, min_s: float) -> list[tuple[float, float]]:
    """The intervals of 0…duration_s, at least `min_s` long, that none of `spans` (start, end) covers."""
    free, reached = [], 0.0
    for start, end in [*sorted(spans), (duration_s, duration_s)]:
        if start - reached >= min_s:
            free.append((reached, start))
        reached = max(reached, end)
    return free
