"""What happens to clips in which a person speaks. Pure but for its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from analyzer.clips.plan import PlannedClip
from tidzam.speech_times import Interval, SpeechStatement
from tidzam.types import Float32

_FADE_S: Final = 0.005
"""Length of the fades at the ends of what is muted, within it."""


class ClipPrivacy:
    """Decides on clips by the latest statement about speech; `dropped` and `muted` count them by channel.

    While there is no statement, nothing detects speech, and all clips are kept. A clip of an earlier epoch than the
    statement, whose frames are those of another clock, is private as a whole.
    """

    def __init__(self) -> None:
        self._statement: SpeechStatement | None = None
        self._epoch = 0
        self.dropped: Counter[str] = Counter()
        self.muted: Counter[str] = Counter()

    def take(self, statement: SpeechStatement | None, *, epoch: int) -> None:
        """The statement of the next batch, whose frames are those of an epoch."""
        self._statement, self._epoch = statement or self._statement, epoch

    def private(self, clip: PlannedClip, *, is_last: bool = False) -> tuple[Interval, ...] | None:
        """What of a clip is private, in frames of its channel; None while that is not known.

        If no more windows will come (`is_last`), a clip of which it is not known is private as a whole.
        """
        if self._statement is None:
            return ()
        if clip.epoch != self._epoch:
            return ((clip.start, clip.end),)
        found = self._statement.private(clip.channel, clip.start, clip.end)
        return ((clip.start, clip.end),) if found is None and is_last else found

    def applied(self, clip: PlannedClip, samples: Float32, private: Sequence[Interval]) -> Float32 | None:
        """The samples (frames,) with silence in place of what is private, None if the clip is dropped. Counts it."""
        if not private or self._statement is None:
            return samples
        if self._statement.policy.action == "drop":
            self.dropped[clip.channel] += 1
            return None
        self.muted[clip.channel] += 1
        return silenced(samples, [(first - clip.start, last - clip.start) for first, last in private], clip.rate_hz)

    def will_drop(self, clip: PlannedClip) -> bool:
        """Whether a clip is known to be dropped, even if it is not complete."""
        if self._statement is None or self._statement.policy.action != "drop":
            return False
        return bool(self._statement.private_so_far(clip.channel, clip.start, clip.end))


def silenced(samples: Float32, intervals: Sequence[Interval], rate_hz: int) -> Float32:
    """A copy of samples (frames,) or (frames, channels) that is silent in the intervals, with fades at their ends.

    There is no fade at the ends of the samples: speech may go on there.
    """
    kept = samples.copy()
    for first, last in intervals:
        fade = min(round(_FADE_S * rate_hz), (last - first) // 2)
        ramp = np.linspace(1, 0, fade, dtype=np.float32).reshape(-1, *(1,) * (samples.ndim - 1))
        gain = np.zeros((last - first, *(1,) * (samples.ndim - 1)), np.float32)
        if first > 0:
            gain[:fade] = ramp
        if last < len(samples):
            gain[len(gain) - fade :] = ramp[::-1]
        kept[first:last] *= gain
    return kept
