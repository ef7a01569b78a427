"""How old files certainly are: time is counted while a program runs, so that a wrong system clock makes none older."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from tidzam.atomic import write_atomically
from tidzam.clocks import Clock, Moment, system_clock

log = logging.getLogger(__name__)

DAY_S: Final = 86_400.0
SAVE_S: Final = 3600.0
"""How often the ages are saved. After a crash, files that were new since then are new again."""


@dataclass(frozen=True)
class AgeCount:
    """The seconds that were counted so far, and at which count each file, by its name, was made. Pure.

    On the first day that is counted, the age of a file is that by its date, as it is seen last (if the system clock was
    ahead at first and is set meanwhile, no file is taken for older than it is), or that since it was seen first. Later,
    a file that was never seen before is new.
    """

    counted_s: float = 0.0
    made_s: Mapping[str, float] = field(default_factory=dict)

    def later(self, elapsed_s: float) -> AgeCount:
        """The count when so much time has passed, by a clock that nobody sets."""
        return AgeCount(self.counted_s + elapsed_s, self.made_s)

    def after_pause(self, pause_s: float) -> AgeCount:
        """The count after a time in which no program counted, by the system clock.

        It counts if it is at most a day: a longer one may be due to a clock that is wrong.
        """
        return self.later(pause_s if 0 <= pause_s <= DAY_S else 0.0)

    def seeing(self, dates: Mapping[str, datetime], now: datetime) -> AgeCount:
        """The count with exactly these files, whose dates are given. Dates and `now` are aware."""
        made_s = {name: self.made_s.get(name, self.counted_s) for name in dates}
        if self.counted_s < DAY_S:
            for name, date in dates.items():
                made_s[name] = min(max(made_s[name], 0.0), self.counted_s - (now - date).total_seconds())
        return AgeCount(self.counted_s, made_s)

    def age_s(self, name: str) -> float:
        """The age of a file that was seen, in seconds: on the first day, no more than was counted."""
        age_s = self.counted_s - self.made_s[name]
        return min(age_s, self.counted_s) if self.counted_s < DAY_S else age_s


class FileAges:
    """The ages of the files in a folder, kept in the file `path` while no program counts."""

    def __init__(self, path: Path, *, clock: Clock = system_clock) -> None:
        self._path, self._clock = path, clock
        self._count: AgeCount | None = None
        self._last = self._saved = clock()
        self._fault = ""

    def see(self, dates: Mapping[str, datetime]) -> Mapping[str, float]:
        """The ages in seconds of all files, by name; `dates` says when each was made, by its date.

        Never fails: if the ages cannot be saved, they count from the next start on, and a warning is logged.
        """
        now, is_first = self._clock(), self._count is None
        count = (
            _read(self._path, now) if self._count is None else self._count.later(now.elapsed_s - self._last.elapsed_s)
        )
        self._last, self._count = now, count.seeing(dates, now.utc)
        if is_first or now.elapsed_s - self._saved.elapsed_s >= SAVE_S:
            self._save(self._count, now)
        return {name: self._count.age_s(name) for name in dates}

    def _save(self, count: AgeCount, now: Moment) -> None:
        self._saved, fault = now, ""
        made_s = {name: round(made_s) for name, made_s in count.made_s.items()}
        state = {"counted_s": round(count.counted_s), "until": now.utc.isoformat(), "made_s": made_s}
        try:
            self._path.parent.mkdir(exist_ok=True)
            write_atomically(self._path, json.dumps(state, separators=(",", ":")) + "\n")
        except OSError as error:
            fault = error.strerror or str(error)
            if fault != self._fault:
                log.warning("the ages of files cannot be saved to %s: %s", self._path, fault)
        self._fault = fault


def _read(path: Path, now: Moment) -> AgeCount:
    """What was saved, `now`; nothing if the file is missing or damaged."""
    try:
        state = json.loads(path.read_bytes())
        made_s = {str(name): float(made_s) for name, made_s in state["made_s"].items()}
        count = AgeCount(float(state["counted_s"]), made_s)
        return count.after_pause((now.utc - datetime.fromisoformat(state["until"])).total_seconds())
    except FileNotFoundError:
        return AgeCount()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        log.warning(
            "the ages of files in %s cannot be read (%s); they are found from the dates of the files", path, error
        )
        return AgeCount()
