"""Whether a player moves and its source sounds, from what is seen of it once a second. Pure.

A process that lives need not do anything: it may be stopped, or hang. So it is judged by data that move: mpv's playback
position, which mpv must answer for, and the samples that reach JACK.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Limits:
    """For how long a player may stand still, and a source may be silent. `silence_timeout_s` None: for ever."""

    player_timeout_s: float
    silent_after_s: float
    silence_timeout_s: float | None


@dataclass(frozen=True)
class Look:
    """What is seen at one moment, in seconds of one monotonic clock.

    `answered` is whether the player answered, `position_s` where it said it is in its source (None: nowhere yet),
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

    limits: Limits
    now_s: float
    moved_s: float
    sounded_s: float
    position_s: float | None = None

    @classmethod
    def begin(cls, limits: Limits, now_s: float) -> Liveness:
        """That of a player whose ports have just come."""
        return cls(limits, now_s=now_s, moved_s=now_s, sounded_s=now_s)

    def after(self, look: Look) -> Liveness:
        """What a look adds. While JACK stands still no player can move, and none is judged."""
        if not look.jack_runs:
            waited_s = look.now_s - self.now_s
            return replace(self, now_s=look.now_s, moved_s=self.moved_s + waited_s, sounded_s=self.sounded_s + waited_s)
        moves = look.answered and look.position_s != self.position_s
        waits = look.answered and look.quiet  # it works, but its source gives it nothing: that is silence
        return replace(
            self,
            now_s=look.now_s,
            moved_s=look.now_s if moves or waits else self.moved_s,
            sounded_s=self.sounded_s if look.quiet else look.now_s,
            position_s=look.position_s if look.answered else self.position_s,
        )

    @property
    def stood_still_s(self) -> float:
        return self.now_s - self.moved_s

    @property
    def silent_s(self) -> float:
        return self.now_s - self.sounded_s

    @property
    def hangs(self) -> bool:
        return self.stood_still_s >= self.limits.player_timeout_s

    @property
    def is_silent(self) -> bool:
        return self.silent_s >= self.limits.silent_after_s

    @property
    def silent_too_long(self) -> bool:
        return self.limits.silence_timeout_s is not None and self.silent_s >= self.limits.silence_timeout_s
