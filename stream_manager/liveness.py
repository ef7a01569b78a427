"""Whether a player makes progress and its source sounds, judged by one observation per second. Pure.

A process that exists may do nothing: it may be suspended, or hang. Therefore it is judged by values that change: the
playback position, which mpv itself has to answer with, and the samples that reach JACK.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class LivenessLimits:
    """How long a player may make no progress, and a source may be silent. `silence_timeout_s` is None for no limit."""

    player_timeout_s: float
    silent_after_s: float
    silence_timeout_s: float | None


@dataclass(frozen=True)
class LivenessSample:
    """One observation, with times in seconds of a monotonic clock.

    `answered` is whether the player answered, `position_s` its position in the source (None if it has not begun),
    `quiet` whether its ports carry digital silence, and `jack_runs` whether JACK's cycles run.
    """

    now_s: float
    answered: bool
    position_s: float | None
    quiet: bool
    jack_runs: bool = True


@dataclass(frozen=True)
class Liveness:
    """A player's last signs of life, up to the moment `now_s`."""

    limits: LivenessLimits
    now_s: float
    moved_s: float
    sounded_s: float
    position_s: float | None = None

    @classmethod
    def begin(cls, limits: LivenessLimits, now_s: float) -> Liveness:
        """That of a player whose ports have just appeared."""
        return cls(limits, now_s=now_s, moved_s=now_s, sounded_s=now_s)

    def after(self, look: LivenessSample) -> Liveness:
        """The state after one more look. While JACK is stalled, no player can make progress, and none is judged."""
        if not look.jack_runs:
            waited_s = look.now_s - self.now_s
            return replace(self, now_s=look.now_s, moved_s=self.moved_s + waited_s, sounded_s=self.sounded_s + waited_s)
        moves = look.answered and look.position_s != self.position_s
        waits = look.answered and look.quiet  # it works, but its source delivers nothing: that is silence
        return replace(
            self,
            now_s=look.now_s,
            moved_s=look.now_s if moves or waits else self.moved_s,
            sounded_s=self.sounded_s if look.quiet else look.now_s,
            position_s=look.position_s if look.answered else self.position_s,
        )

    @property
    def stalled_s(self) -> float:
        return self.now_s - self.moved_s

    @property
    def silent_s(self) -> float:
        return self.now_s - self.sounded_s

    @property
    def is_hung(self) -> bool:
        return self.stalled_s >= self.limits.player_timeout_s

    @property
    def is_silent(self) -> bool:
        return self.silent_s >= self.limits.silent_after_s

    @property
    def silent_too_long(self) -> bool:
        return self.limits.silence_timeout_s is not None and self.silent_s >= self.limits.silence_timeout_s
