"""Decides when a program hangs, and when a program that supervisord has given up is started again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tidzam.process import RestartPolicy

REVIVAL = RestartPolicy(first_delay_s=2.0, max_delay_s=60.0, stable_after_s=60.0)
"""Delays between attempts to start a program that supervisord has given up. Attempts never end."""

DOWN = frozenset({"FATAL", "STOPPED", "EXITED", "UNKNOWN"})
"""States of supervisord that do not change by themselves."""

MAX_STEP_S = 5.0
"""Maximum seconds that one round adds to a silence, so that no program counts as silent after a suspend."""


@dataclass(frozen=True)
class Patience:
    """How long a program may show no sign of life: after its first one, before it, and while it is suspended."""

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
    """One observation of a program. `suspended` is whether a signal has stopped it. Times are monotonic."""

    pid: int | None
    gives_sign: bool
    suspended: bool
    now_s: float


@dataclass(frozen=True)
class Record:
    """The result of all observations of one process so far."""

    pid: int | None = None
    seen_s: float = 0.0
    silence_s: float = 0.0
    suspension_s: float = 0.0
    gave_sign: bool = False

    def after(self, seen: Observation) -> Record:
        """This record with one more observation; a new process starts a new record."""
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
        """Whether the process must be replaced."""
        if self.pid is None:
            return False
        allowed_s = patience.silent_s if self.gave_sign else patience.first_s
        return self.silence_s >= allowed_s or self.suspension_s >= patience.suspended_s


@dataclass(frozen=True)
class Revival:
    """Attempts to start a program that is down. `due_s` is the time of the next attempt, None while it is not down."""

    failures: int = 0
    due_s: float | None = None

    def after(self, state: str, uptime_s: float, now_s: float) -> tuple[Revival, bool]:
        """The next state of the attempts, given supervisord's `state` of the program, and whether to start it now."""
        if state not in DOWN:
            return Revival(0 if uptime_s >= REVIVAL.stable_after_s else self.failures), False
        if self.due_s is None:
            failures = self.failures + 1
            return Revival(failures, now_s + REVIVAL.delay_s(failures)), False
        if now_s < self.due_s:
            return self, False
        return Revival(self.failures), True
