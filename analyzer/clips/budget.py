"""Which clips are deleted so that new ones fit. Pure: takes and returns values."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tidzam.config.clips import ClipBudget

GIGABYTE: Final = 1_000_000_000
DAY_S: Final = 86400.0

Limit = Literal["size", "free space"]


@dataclass(frozen=True)
class StoredClip:
    """A clip on disk: its path relative to the folder of clips, its class, size, and time in seconds of the epoch.

    A protected one is never deleted: a person marked it, or it is not the analyzer's. `age_s` is the time for which it
    has certainly existed, in seconds: the clock may have been wrong when it was written.
    """

    path: str
    label: str
    size: int
    time_s: float
    is_protected: bool = False
    age_s: float = 0.0


@dataclass(frozen=True)
class BudgetDecision:
    """What to delete, and what is still over the budget afterwards; None if the new clips fit."""

    delete: tuple[StoredClip, ...]
    over: Limit | None = None


def fits(
    budget: ClipBudget, *, size: int, counts: Mapping[str, int], new: Sequence[StoredClip], free_bytes: int
) -> bool:
    """Whether `new` clips fit beside clips of `size` bytes, `counts` of each class, none of which is too old."""
    added = sum(clip.size for clip in new)
    if _over(budget, size + added, free_bytes - added) is not None:
        return False
    most = budget.per_class
    return most is None or all(
        counts.get(label, 0) + count <= most for label, count in Counter(clip.label for clip in new).items()
    )


def decide(
    clips: Iterable[StoredClip], budget: ClipBudget, *, new: Iterable[StoredClip] = (), free_bytes: int
) -> BudgetDecision:
    """The clips to delete before `new` ones are written, with `free_bytes` on the disk.

    First those that are too old, then the oldest of each class that has too many, then more until size and free space
    suffice: the oldest, or the oldest of the class with the most clips. If they cannot suffice, none is deleted for
    that. Protected clips count, but are not deleted. Clips of the same age are ordered by their time.
    """
    added = list(new)
    kept = sorted(clips, key=lambda clip: (-clip.age_s, clip.time_s, clip.path))
    delete = [clip for clip in kept if _is_too_old(clip, budget)]
    left = _Remaining(kept, added, budget, without=delete)
    for label in list(left.counts):
        while budget.per_class is not None and left.counts[label] > budget.per_class and left.has(label):
            delete.append(left.drop(label))
    enough = len(delete)
    size = sum(clip.size for clip in (*kept, *added)) - sum(clip.size for clip in delete)
    free = free_bytes - sum(clip.size for clip in added) + sum(clip.size for clip in delete)
    heap = left.heap()
    while (over := _over(budget, size, free)) and heap:
        clip = left.drop(heapq.heappop(heap)[-1])
        delete.append(clip)
        size, free = size - clip.size, free + clip.size
        left.push(heap, clip.label)
    return BudgetDecision(tuple(delete[:enough] if over else delete), over)


class _Remaining:
    """The clips that may be deleted, by class, the oldest first; `counts` includes those that may not."""

    def __init__(
        self, kept: Sequence[StoredClip], added: Sequence[StoredClip], budget: ClipBudget, *, without: list[StoredClip]
    ) -> None:
        gone = set(without)
        self._by_count = budget.first == "common"
        self._clips: dict[str, deque[tuple[int, StoredClip]]] = {}
        for order, clip in enumerate(kept):
            if not clip.is_protected and clip not in gone:
                self._clips.setdefault(clip.label, deque()).append((order, clip))
        self.counts = Counter(clip.label for clip in (*kept, *added)) - Counter(clip.label for clip in without)

    def has(self, label: str) -> bool:
        return bool(self._clips.get(label))

    def drop(self, label: str) -> StoredClip:
        self.counts[label] -= 1
        return self._clips[label].popleft()[1]

    def heap(self) -> list[tuple[int, int, str]]:
        """The classes by which of their clips is deleted next."""
        heap: list[tuple[int, int, str]] = []
        for label in self._clips:
            self.push(heap, label)
        return heap

    def push(self, heap: list[tuple[int, int, str]], label: str) -> None:
        if self.has(label):
            first = -self.counts[label] if self._by_count else 0
            heapq.heappush(heap, (first, self._clips[label][0][0], label))


def _is_too_old(clip: StoredClip, budget: ClipBudget) -> bool:
    return not clip.is_protected and budget.days is not None and clip.age_s > budget.days * DAY_S


def _over(budget: ClipBudget, size: int, free: int) -> Limit | None:
    if budget.gigabytes is not None and size > budget.gigabytes * GIGABYTE:
        return "size"
    if budget.free_gigabytes is not None and free < budget.free_gigabytes * GIGABYTE:
        return "free space"
    return None
