"""Whether a player makes progress, its source delivers data and is well, judged by one sample per second. Pure.

A process that exists may do nothing: it may be suspended or hang. It is therefore judged by values that change: the
playback position, which the player itself has to report, and the audio samples that reach JACK.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stream_manager.faults import SourceFailure, SourceFault
from tidzam.config.settings import StreamManagerSettings


@dataclass(frozen=True)
class LivenessLimits:
    """For how many seconds a player may need to start (`start_timeout_s`), it may make no progress although it plays
    sound (`player_timeout_s`), no data may arrive (`no_data_timeout_s`), a source may be silent until it is reported
    (`silent_after_s`), and all its channels may be unwell (`unhealthy_timeout_s`; None for no limit).
    """

    start_timeout_s: float
    player_timeout_s: float
    no_data_timeout_s: float
    silent_after_s: float
    unhealthy_timeout_s: float | None

    @classmethod
    def of(cls, settings: StreamManagerSettings, *, is_live: bool) -> LivenessLimits:
        """Those of a source. A file has no limit for being unwell: playing it again does not change its content."""
        return cls(
            start_timeout_s=2 * settings.healing.connect_timeout_s,
            player_timeout_s=settings.player_timeout_s,
            no_data_timeout_s=settings.healing.no_data_timeout_s,
            silent_after_s=settings.silent_after_s,
            unhealthy_timeout_s=settings.healing.unhealthy_timeout_s if is_live else None,
        )


@dataclass(frozen=True)
class LivenessSample:
    """One observation of a player and its ports. Times are seconds of a monotonic clock.

    `answered` is whether the player answered, `position_s` its position in the source (None if it has not begun),
    `quiet` whether its ports contain digital silence, `stuck` whether they repeat themselves, `has_ports` whether it
    has any, and `jack_runs` whether JACK's cycles run.
    """

    now_s: float
    answered: bool
    position_s: float | None
    quiet: bool
    stuck: bool = False
    has_ports: bool = True
    jack_runs: bool = True


@dataclass(frozen=True)
class Liveness:
    """The last signs of life of a player, as of `now_s`: when it last moved or waited for its source (`moved_s`), when
    its position last changed (`data_s`), and when its ports were last audible (`audible_s`) and well (`well_s`).
    """

    limits: LivenessLimits
    now_s: float
    moved_s: float
    data_s: float
    audible_s: float
    well_s: float
    position_s: float | None = None
    is_stuck: bool = False

    @classmethod
    def begin(cls, limits: LivenessLimits, now_s: float) -> Liveness:
        """The state of a player whose ports have just appeared."""
        return cls(limits, now_s=now_s, moved_s=now_s, data_s=now_s, audible_s=now_s, well_s=now_s)

    def after(self, sample: LivenessSample) -> Liveness:
        """The state after one more sample. While JACK is stalled, no player can make progress, and none is judged."""
        now_s = sample.now_s
        if not sample.jack_runs:
            waited_s = now_s - self.now_s
            return replace(
                self,
                now_s=now_s,
                moved_s=self.moved_s + waited_s,
                data_s=self.data_s + waited_s,
                audible_s=self.audible_s + waited_s,
                well_s=self.well_s + waited_s,
            )
        moves = sample.answered and sample.position_s != self.position_s
        # The player works, but its source delivers nothing.
        waits = sample.answered and (sample.quiet or not sample.has_ports)
        return replace(
            self,
            now_s=now_s,
            moved_s=now_s if moves or waits else self.moved_s,
            data_s=now_s if moves else self.data_s,
            audible_s=self.audible_s if sample.quiet else now_s,
            well_s=self.well_s if sample.quiet or sample.stuck else now_s,
            position_s=sample.position_s if sample.answered else self.position_s,
            is_stuck=sample.stuck,
        )

    @property
    def stalled_s(self) -> float:
        return self.now_s - self.moved_s

    @property
    def no_data_s(self) -> float:
        return self.now_s - self.data_s

    @property
    def silent_s(self) -> float:
        return self.now_s - self.audible_s

    @property
    def unwell_s(self) -> float:
        return self.now_s - self.well_s

    @property
    def is_silent(self) -> bool:
        return self.silent_s >= self.limits.silent_after_s

    @property
    def failure(self) -> SourceFailure | None:
        """Why the player has to be replaced; None if it has not."""
        limits = self.limits
        if self.stalled_s >= limits.player_timeout_s:
            return SourceFailure(SourceFault.HUNG, f"no progress for {self.stalled_s:.0f} s")
        if self.no_data_s >= limits.no_data_timeout_s:
            return SourceFailure(SourceFault.NO_DATA, f"for {self.no_data_s:.0f} s")
        if limits.unhealthy_timeout_s is not None and self.unwell_s >= limits.unhealthy_timeout_s:
            fault = SourceFault.STUCK if self.is_stuck else SourceFault.DIGITAL_SILENCE
            return SourceFailure(fault, f"for {self.unwell_s:.0f} s")
        return None
