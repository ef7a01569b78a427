"""Which clips matter most: they are forwarded first, and dropped last when they take up too much of the disk. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from tidzam.labels import is_no_sound


@dataclass(frozen=True, kw_only=True)
class WaitingClip:
    """A clip that waits to be forwarded: its name in detections, the class and the highest probability of these, when
    the first of them begins, and its size in bytes, 0 as long as it is not written."""

    name: str
    label: str
    start: datetime
    probability: float
    size: int = 0

    @property
    def day(self) -> date:
        """The day in UTC."""
        return self.start.astimezone(UTC).date()


def ranked(clips: Iterable[WaitingClip]) -> list[WaitingClip]:
    """The clips, those that matter most first.

    Of a class, the most probable clip of each day comes before the second of any day, and so on; of these, that of the
    newest day first. The classes take turns, so that each has its first clip before any has its second: a rare class
    keeps all clips while a common one loses most. Within a turn, the class with the fewest clips comes first. Clips of
    classes that stand for no sound, such as silence, come last.
    """
    by_class: dict[str, list[WaitingClip]] = defaultdict(list)
    for clip in clips:
        by_class[clip.label].append(clip)
    places = [
        ((is_no_sound((clip.label,)), place, len(own), -clip.probability, clip.name), clip)
        for own in by_class.values()
        for place, clip in enumerate(_in_class(own))
    ]
    return [clip for _, clip in sorted(places, key=lambda one: one[0])]


def _in_class(clips: Sequence[WaitingClip]) -> list[WaitingClip]:
    by_day: dict[date, list[WaitingClip]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: (-clip.probability, clip.start, clip.name)):
        by_day[clip.day].append(clip)
    places = [((place, -day.toordinal()), clip) for day, own in by_day.items() for place, clip in enumerate(own)]
    return [clip for _, clip in sorted(places, key=lambda one: one[0])]


def surplus(clips: Iterable[WaitingClip], limit_bytes: int) -> list[WaitingClip]:
    """The clips to drop so that the others take up `limit_bytes` at most: those that no longer fit, in the order of
    what matters most."""
    dropped, used = list[WaitingClip](), 0
    for clip in ranked(clips):
        if used + clip.size > limit_bytes:
            dropped.append(clip)
        else:
            used += clip.size
    return dropped
