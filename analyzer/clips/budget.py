"""Which clips are deleted so that new ones fit. Pure: takes and returns values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from tidzam.config.clips import ClipBudget

GIGABYTE: Final = 1_000_000_000
DAY_S: Final = 86400.0


@dataclass(frozen=True)
class StoredClip:
    """A clip on disk: its path relative to the folder of clips, its class, size, and time in seconds of the epoch.

    A protected one is never deleted: a person marked it, or it is not the analyzer's.
    """

    path: str
    label: str
    size: int
    time_s: float
    is_protected: bool = False


@dataclass(frozen=True)
class BudgetDecision:
    """What to delete, and what is still over the budget afterwards; None if the new clips fit."""

    delete: tuple[StoredClip, ...]
    over: Literal["size", "free space"] | None = None


def decide(
    clips: Iterable[StoredClip], budget: ClipBudget, *, new: Iterable[StoredClip] = (), now_s: float, free_bytes: int
) -> BudgetDecision:
    """The clips to delete before `new` ones are written, with `free_bytes` on the disk.

    First those that are too old, then the oldest of each class that has too many, then more until size and free space
    suffice: the oldest, or the oldest of the class with the most clips. If they cannot suffice, none is deleted for
    that. Protected clips count, but are not deleted.
    """
    added = list(new)
    kept = sorted(clips, key=lambda clip: (clip.time_s, clip.path))
    delete = [clip for clip in kept if _is_too_old(clip, budget, now_s)]
    old = set(delete)
    counts = Counter(clip.label for clip in (*kept, *added)) - Counter(clip.label for clip in delete)
    rest = [clip for clip in kept if not clip.is_protected and clip not in old]
    if budget.per_class is not None:
        for clip in list(rest):
            if counts[clip.label] > budget.per_class:
                _drop(clip, rest, counts, delete)
    enough = len(delete)
    size = sum(clip.size for clip in (*kept, *added)) - sum(clip.size for clip in delete)
    free = free_bytes - sum(clip.size for clip in added) + sum(clip.size for clip in delete)
    while (over := _over(budget, size, free)) and rest:
        clip = _next(rest, counts, budget)
        _drop(clip, rest, counts, delete)
        size, free = size - clip.size, free + clip.size
    return BudgetDecision(tuple(delete[:enough] if over else delete), over)


def _is_too_old(clip: StoredClip, budget: ClipBudget, now_s: float) -> bool:
    return not clip.is_protected and budget.days is not None and now_s - clip.time_s > budget.days * DAY_S


def _over(budget: ClipBudget, size: int, free: int) -> Literal["size", "free space"] | None:
    if budget.gigabytes is not None and size > budget.gigabytes * GIGABYTE:
        return "size"
    if budget.free_gigabytes is not None and free < budget.free_gigabytes * GIGABYTE:
        return "free space"
    return None


def _next(rest: list[StoredClip], counts: Counter[str], budget: ClipBudget) -> StoredClip:
    if budget.first == "oldest":
        return rest[0]
    return max(rest, key=lambda clip: (counts[clip.label], -clip.time_s))


def _drop(clip: StoredClip, rest: list[StoredClip], counts: Counter[str], delete: list[StoredClip]) -> None:
    rest.remove(clip)
    delete.append(clip)
    counts[clip.label] -= 1
