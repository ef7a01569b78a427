"""What happens to the sources of a direct recorder: in its log, and as lines for a program that started it."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import asdict
from typing import Final

from stream_manager.recorder.events import FileFinished, KeptAside, Lost, Notice, RecorderEvent, Repaired
from tidzam.recorder_status import RecordedSourceStatus

log = logging.getLogger(__name__)

LOSS_LOG_S: Final = 30.0
"""An overloaded machine loses audio many times per second."""


class Reports:
    """Logs events; with `prints`, prints them too: `{"source": …, "event": "filefinished", "file": …}`, and regularly
    `{"source": …, "event": "state", …}` with the fields of `RecordedSourceStatus`."""

    def __init__(self, *, prints: bool) -> None:
        self._prints, self._lock = prints, threading.Lock()
        self._unlogged_s: dict[str, float] = {}
        self._logged_s: dict[str, float] = {}
        self._states: dict[str, str | None] = {}

    def event(self, source: str, event: RecorderEvent) -> None:
        """Something has happened to a source. May be called in any thread."""
        with self._lock:
            if self._prints:
                line = {"source": source, "event": type(event).__name__.lower(), **asdict(event)}
                print(json.dumps(line), flush=True)
            self._log(source, event)

    def state(self, state: RecordedSourceStatus) -> None:
        """The present state of a source."""
        with self._lock:
            if self._prints:
                print(json.dumps({"source": state.name, "event": "state", **asdict(state)}), flush=True)
            before = self._states.get(state.name)
            if state.problem != before:
                self._states[state.name] = state.problem
                text = "recording" if state.problem is None else state.problem
                log.log(logging.INFO if state.problem is None else logging.WARNING, "%s: %s", state.name, text)

    def _log(self, source: str, event: RecorderEvent) -> None:
        match event:
            case FileFinished(file):
                log.info("%s: recorded %s", source, file)
            case Repaired(file, _, seconds):
                log.warning("%s: repaired %s, which was cut off after %.3f s", source, file, seconds)
            case KeptAside(file, reason):
                log.error("%s: a recording that was cut off is unusable (%s); it is now %s", source, reason, file)
            case Notice(text):
                log.warning("%s: %s", source, text)
            case Lost():
                self._log_loss(source, event)

    def _log_loss(self, source: str, lost: Lost) -> None:
        unlogged_s = self._unlogged_s.get(source, 0.0) + lost.seconds
        now_s = time.monotonic()
        if now_s - self._logged_s.get(source, -LOSS_LOG_S) < LOSS_LOG_S:
            self._unlogged_s[source] = unlogged_s
            return
        at = time.strftime("%H:%M:%S", time.gmtime(lost.start_s))
        message = "%s: %.3f s are missing in the recording, the last of them from %s UTC on (%s)"
        log.warning(message, source, unlogged_s, at, lost.reason)
        self._unlogged_s[source], self._logged_s[source] = 0.0, now_s
