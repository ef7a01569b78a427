"""Dates in file names as UTC, also in a zone with daylight-saving time. Pure.

When the clock is set back, an hour of local time occurs twice, and a name alone does not determine which one is meant.
The recordings before and after it do: a recording of the first pass follows one, the last one of the second pass is
followed by one, and two recordings of one source do not overlap. When the clock is set forward, an hour of local time
does not occur: such a name was written by a clock that was not set forward yet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeVar

JOIN_S: Final = 1.1
"""Recordings that are not further apart than this follow one another: names are cut to whole seconds."""

_ONE_CHANGE: Final = timedelta(hours=12)
"""Ambiguous times further apart than this belong to different changes of the clock."""

K = TypeVar("K")
LengthOf = Callable[[K], float | None]
"""The length in seconds of the recording at an index or of a name; None if it is unknown."""


def is_ambiguous(local: datetime, zone: tzinfo) -> bool:
    """Whether a local time occurs twice in `zone`, since the clock is set back."""
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def utc_s(local: datetime, zone: tzinfo, *, fold: int = 0) -> float:
    """Seconds since 1970 of a local time. `fold` is 1 for its second occurrence.

    A time that does not occur, since the clock is set forward, is read as one of the clock before that.
    """
    if zone is UTC:
        return local.replace(tzinfo=UTC).timestamp()
    return local.replace(tzinfo=zone, fold=fold).timestamp()


def starts_utc_s(locals_: Sequence[datetime], zone: tzinfo, length_of: LengthOf[int]) -> list[float]:
    """Seconds since 1970 of the recordings of one source that start at `locals_`, in ascending order of local time.

    `length_of` is only called for those at which the clock is set back.
    """
    if zone is UTC:
        return [utc_s(local, zone) for local in locals_]
    starts = [utc_s(local, zone) for local in locals_]
    twice = [index for index, local in enumerate(locals_) if is_ambiguous(local, zone)]
    for group in _by_change(twice, locals_):
        for index in _second_pass(group, starts, [utc_s(locals_[one], zone, fold=1) for one in group], length_of):
            starts[index] = utc_s(locals_[index], zone, fold=1)
    return starts


def _by_change(indices: Sequence[int], locals_: Sequence[datetime]) -> list[list[int]]:
    """`indices` of ambiguous times, those of one change of the clock together."""
    changes: list[list[int]] = []
    for index in indices:
        if not changes or locals_[index] - locals_[changes[-1][-1]] > _ONE_CHANGE:
            changes.append([])
        changes[-1].append(index)
    return changes


def _second_pass(
    group: list[int], first: Sequence[float], second: Sequence[float], length_of: LengthOf[int]
) -> set[int]:
    """Those of `group`, recordings at ambiguous times, that belong to the second occurrence of the hour.

    `first` holds the start of every recording if it belongs to the first one, `second` those of `group` if to the
    second one.
    """
    before, after = group[0] - 1, group[-1] + 1
    lengths = {index: length_of(index) or 0.0 for index in range(max(before, 0), after)}
    follows, precedes = set[int](), set[int]()
    if before >= 0:
        follows = _chain([(index, first[index]) for index in group], lengths, first[before] + lengths[before])
    if after < len(first):
        precedes = _chain_back(list(zip(group, second, strict=True)), lengths, first[after]) - follows
    return precedes | _overlapping([one for one in group if one not in precedes], first, lengths, follows)


def _chain(starts: Sequence[tuple[int, float]], lengths: dict[int, float], end_s: float) -> set[int]:
    """The recordings, of indices and starts, that follow one another from `end_s` on."""
    chain, by_start = set[int](), sorted((start_s, index) for index, start_s in starts)
    while (found := _nearest(by_start, end_s)) is not None and found[1] not in chain:
        chain.add(found[1])
        end_s = found[0] + lengths[found[1]]
    return chain


def _chain_back(starts: Sequence[tuple[int, float]], lengths: dict[int, float], begin_s: float) -> set[int]:
    """The recordings, of indices and starts, that follow one another up to `begin_s`."""
    chain, by_end = set[int](), sorted((start_s + lengths[index], index) for index, start_s in starts if lengths[index])
    while (found := _nearest(by_end, begin_s)) is not None and found[1] not in chain:
        chain.add(found[1])
        begin_s = found[0] - lengths[found[1]]
    return chain


def _nearest(times: Sequence[tuple[float, int]], time_s: float) -> tuple[float, int] | None:
    """The one of sorted `times` that is nearest to `time_s`; None if none is within JOIN_S."""
    at = bisect_left(times, (time_s,))
    return min(
        (one for one in times[max(0, at - 1) : at + 1] if abs(one[0] - time_s) <= JOIN_S),
        key=lambda one: abs(one[0] - time_s),
        default=None,
    )


def _overlapping(group: list[int], first: Sequence[float], lengths: dict[int, float], kept: set[int]) -> set[int]:
    """Those of `group` that would overlap others in the first occurrence, where the ones in `kept` surely are."""
    taken = [(first[index], first[index] + lengths[index]) for index in kept]
    second = set[int]()
    for index in group:
        if index in kept:
            continue
        start_s, end_s = first[index], first[index] + lengths[index]
        if any(start_s < other_end - JOIN_S and other_start < end_s - JOIN_S for other_start, other_end in taken):
            second.add(index)
        else:
            taken.append((start_s, end_s))
    return second
