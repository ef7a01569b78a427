"""Collects the judgments of a speech detector to a statement about the last minutes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from tidzam.results import WindowBatch
from tidzam.speech_times import Judgment, PrivacyPolicy, SpeechStatement, merged

HELD_S: Final = 120.0
"""For how long judgments are held: longer than a clip with its pre-roll and margins."""
_LOST_S: Final = 0.05
"""Windows that lack more than this are not reported: a recording may hold what was lost here."""


class SpeechRecord:
    """Follows the judgments about all channels. `speech_s` counts the seconds of speech of each since the start."""

    def __init__(self, policy: PrivacyPolicy) -> None:
        self._policy = policy
        self._channels: dict[str, tuple[Judgment, ...]] = {}
        self._lost: dict[str, int] = {}
        """By channel, the end of its last window of which audio was lost."""
        self._start, self._rate_hz = -1, 0
        self.speech_s: defaultdict[str, float] = defaultdict(float)

    def follow(self, batch: WindowBatch, judged: Iterable[Judgment]) -> SpeechStatement:
        """The statement after a batch of windows and the judgments that it led to.

        If the frames do not increase, those before are another clock's: what is known about them is forgotten.
        """
        fresh = tuple(judged)
        self._rate_hz = batch.rate_hz
        begins_anew = bool(batch.channels) and batch.start_frame <= self._start
        for one in fresh:
            self.speech_s[one.channel] += sum(last - first for first, last in one.speech) / batch.rate_hz
        if begins_anew:
            self._channels.clear()
            self._lost.clear()
            fresh = tuple(one for one in fresh if not one.has_ended)
        if batch.channels:
            self._start = batch.start_frame
        self._note_lost(batch)
        return self._state(fresh)

    def _note_lost(self, batch: WindowBatch) -> None:
        if batch.is_last:  # what lies after the end of a file was never there
            return
        end = batch.start_frame + batch.samples.shape[1]
        gaps = zip(batch.channels, batch.gap_frames, strict=True)
        self._lost |= {name: end for name, gap in gaps if gap > _LOST_S * batch.rate_hz}

    def finish(self, judged: Iterable[Judgment]) -> SpeechStatement:
        """The statement after the last window."""
        fresh = tuple(judged)
        for one in fresh:
            self.speech_s[one.channel] += sum(last - first for first, last in one.speech) / max(1, self._rate_hz)
        return self._state(fresh)

    def _state(self, fresh: tuple[Judgment, ...]) -> SpeechStatement:
        for one in fresh:
            self._channels[one.channel] = _joined(self._channels.get(one.channel, ()), one)
        oldest = self._start - round(HELD_S * self._rate_hz)
        held = {
            name: tuple(_since(one, oldest) for one in parts if one.end > oldest)
            for name, parts in self._channels.items()
        }
        self._channels = {name: parts for name, parts in held.items() if parts}
        heard = tuple(one for one in fresh if one.start >= self._lost.get(one.channel, one.start))
        return SpeechStatement(self._policy, self._rate_hz, self._channels.copy(), heard)


def _joined(parts: tuple[Judgment, ...], new: Judgment) -> tuple[Judgment, ...]:
    """The judgments of a channel with the next one, which extends the last one if that has not ended."""
    if not parts or parts[-1].has_ended:
        return (*parts, new)
    *before, last = parts
    whole = Judgment(new.channel, last.start, new.end, merged((*last.speech, *new.speech)), new.has_ended)
    return (*before, whole)


def _since(one: Judgment, oldest: int) -> Judgment:
    """The same without what is too old."""
    if one.start >= oldest:
        return one
    speech = tuple((max(first, oldest), last) for first, last in one.speech if last > oldest)
    return Judgment(one.channel, oldest, one.end, speech, one.has_ended)
