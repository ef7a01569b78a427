"""Gaps in words, as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tidzam.gaps.records import Gap, GapReason

REASONS: Final[Mapping[GapReason, str]] = {
    GapReason.NODE_DOWN: "the node was off",
    GapReason.JACK_DOWN: "JACK was away",
    GapReason.SOURCE_DOWN: "the source did not play",
    GapReason.RECORDING_MISSING: "a hole in the recordings",
    GapReason.SILENCE: "only digital silence",
    GapReason.STUCK: "the same sound again and again",
    GapReason.NETWORK: "data came too late",
    GapReason.UNDERRUN: "the player was late",
    GapReason.OVERRUN: "sound came faster than it was played",
    GapReason.XRUN: "xrun",
    GapReason.CAPTURE: "the analyzer did not listen",
}
"""Each reason, to follow the time of the gap and a colon."""
_ADJACENT: Final = timedelta(seconds=1)


def joined(gaps: Iterable[Gap]) -> list[Gap]:
    """Gaps in the order of their starts, those of one channel and reason that continue one another as one.

    The ledger cuts gaps at midnight and every hour, and records gaps that repeat as a sum.
    """
    found: list[Gap] = []
    last: dict[tuple[str, GapReason], int] = {}
    for gap in sorted(gaps, key=lambda one: (one.start, one.channel, one.reason)):
        key = gap.channel, gap.reason
        number = last.get(key)
        if number is not None and gap.start - found[number].end <= _ADJACENT:
            known = found[number]
            found[number] = replace(known, end=max(known.end, gap.end), count=known.count + gap.count)
        else:
            last[key] = len(found)
            found.append(gap)
    return found
