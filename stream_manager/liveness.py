"""Whether a player makes progress and its source is audible, judged by one sample per second. Pure.

A process that exists may do nothing: it may be suspended or hang. It is therefore judged by values that change: the
playback position, which the player itself has to report, and the audio samples that reach JACK.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class LivenessLimits:
    """For how long a player may make no progress, and a source be silent. `silence_timeout_s` is None for no limit."""

    player_timeout_s: float
    silent_after_s: float
    silence_timeout_s: float | None


@dataclass(frozen=True)
class LivenessSample:
    """One observation of a player and its ports. Times are seconds of a monotonic clock.

    `answered` is whether the player answered, `position_s` its position in the source (None if it has not begun),
    `quiet` whether its ports contain digital silence, and `jack_runs` whether JACK's cycles run.
    """

    now_s: float
    answered: bool
    position_s: float | None
    quiet: bool
    jack_runs: bool = True


@dataclass(frozen=True)
class Liveness:
    """The last signs of life of a player, as of `now_s`."""

    limits: LivenessLimits
    now_s: float
    moved_s: float
    audible_s: float
    position_s: float | None = None

    @classmethod
    def begin(cls, limits: LivenessLimits, now_s: float) -> Liveness:
        """The state of a player whose ports have just appeared."""
        return cls(limits, now_s=now_s, moved_s=now_s, audible_s=now_s)

    def after(self, sample: LivenessSample) -> Liveness:
        """The state after one more sample. While JACK is stalled, no player can make progress, and none is judged."""
        if not sample.jack_runs:
            waited_s = sample.now_s - self.now_s
            return replace(
                self, now_s=sample.now_s, moved_s=self.moved_s + waited_s, audible_s=self.audible_s + waited_s
            )
        moves = sample.answered and sample.position_s != self.position_s
        waits = sample.answered and sample.quiet  # the player works, but its source delivers nothing: that is silence
        return replace(
            self,
            now_s=sample.now_s,
            moved_s=sample.now_s if moves or waits else self.moved_s,
            audible_s=self.audible_s if sample.quiet else sample.now_s,
            position_s=sample.position_s if sample.answered else self.position_s,
        )

    @property
    def stalled_s(self) -> float:
        return self.now_s - self.moved_s

    @property
    def silent_s(self) -> float:
        return self.now_s - self.audible_s

    @property
    def is_hung(self) -> bool:
        return self.stalled_s >= self.limits.player_timeout_s

    @property
    def is_silent(self) -> bool:
        return self.silent_s >= self.limits.silent_after_s

    @property
    def silent_too_long(self) -> bool:
        return self.limits.silence_timeout_s is not None and self.silent_s >= self.limits.silence_timeout_s
