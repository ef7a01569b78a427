"""When a program hangs, and when one that was given up is started again. Pure: from observations to decisions."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.process import RestartPolicy

REVIVAL = RestartPolicy(first_delay_s=2.0, max_delay_s=60.0, stable_after_s=60.0)
"""Pauses between attempts to start a program that supervisord has given up, for ever."""

DOWN = frozenset({"FATAL", "STOPPED", "EXITED", "UNKNOWN"})
"""Supervisor's states that do not pass by themselves."""

MAX_STEP_S = 5.0
"""What one round may add to a silence: after a machine was suspended, no program counts as silent."""


@dataclass(frozen=True)
class Patience:
    """How long a program may give no sign of life: after it gave some, before its first, and while it is suspended."""

    silent_s: float
    first_s: float
    suspended_s: float

    @classmethod
    def of(cls, *, hung_after_s: float, start_timeout_s: float) -> Patience:
        return cls(
            silent_s=hung_after_s,
            first_s=max(hung_after_s, 2 * start_timeout_s),
            suspended_s=hung_after_s / 2,
        )


@dataclass(frozen=True)
class Observation:
    """One observation of a program. `suspended`: a signal stopped its process. Times are monotonic."""

    pid: int | None
    gives_sign: bool
    suspended: bool
    now_s: float


@dataclass(frozen=True)
class Record:
    """What the observations of one process have shown so far."""

    pid: int | None = None
    seen_s: float = 0.0
    silence_s: float = 0.0
    suspension_s: float = 0.0
    gave_sign: bool = False

    def after(self, seen: Observation) -> Record:
        """This record after one more observation; another process begins another record."""
        if seen.pid != self.pid:
            return Record(seen.pid, seen.now_s, gave_sign=seen.gives_sign)
        step_s = min(max(0.0, seen.now_s - self.seen_s), MAX_STEP_S)
        return Record(
            self.pid,
            seen.now_s,
            silence_s=0.0 if seen.gives_sign else self.silence_s + step_s,
            suspension_s=self.suspension_s + step_s if seen.suspended else 0.0,
            gave_sign=self.gave_sign or seen.gives_sign,
        )

    def hangs(self, patience: Patience) -> bool:
        """Whether its process is to be replaced."""
        if self.pid is None:
            return False
        allowed_s = patience.silent_s if self.gave_sign else patience.first_s
        return self.silence_s >= allowed_s or self.suspension_s >= patience.suspended_s


@dataclass(frozen=True)
class Revival:
    """Attempts to start a program that is down. `due_s` is when the next one is due, None while it is not down."""

    failures: int = 0
    due_s: float | None = None

    def after(self, state: str, uptime_s: float, now_s: float) -> tuple[Revival, bool]:
        """What follows from Supervisor's `state` of the program, and whether to start it now."""
        if state not in DOWN:
            return Revival(0 if uptime_s >= REVIVAL.stable_after_s else self.failures), False
        if self.due_s is None:
            failures = self.failures + 1
            return Revival(failures, now_s + REVIVAL.delay_s(failures)), False
        if now_s < self.due_s:
            return self, False
        return Revival(self.failures), True
