"""Loggers for libraries, without the tracebacks and repeated messages that clients could cause."""

from __future__ import annotations

import logging
import time

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from tidzam.server.violations import Violations

_REPEAT_S = 60.0
_OF_NO_INTEREST = "Cannot send to sid"
"""Beginning of Engine.IO's message that a client has disconnected."""


class MalformedRequests(logging.Filter):
    """Reports malformed requests as violations instead of aiohttp's tracebacks."""

    def __init__(self, violations: Violations) -> None:
        super().__init__()
        self._violations = violations

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ConnectionError | RequestPayloadError):
            return False  # the client disconnected, or the gate has reported its body
        if not isinstance(error, HttpProcessingError):
            return True
        address = record.args[0] if isinstance(record.args, tuple) and record.args else ""
        self._violations.report(str(address), "sent a malformed HTTP request", type(error).__name__)
        return False


class Repeats(logging.Filter):
    """Passes each kind of record once per minute, so that clients cannot fill the log."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, kind = time.monotonic(), str(record.msg)[:40]
        if record.levelno < logging.WARNING:
            return True
        if kind.startswith(_OF_NO_INTEREST):
            return False
        if now - self._last.get(kind, -_REPEAT_S) < _REPEAT_S:
            return False
        if len(self._last) < 1000:
            self._last[kind] = now
        return True


def quiet_logger(name: str, program: str, violations: Violations) -> logging.Logger:
    """A logger for a library, named after the program, without records that clients cause."""
    logger = logging.getLogger(f"{name}.{program.replace(' ', '_')}")
    logger.filters[:] = [MalformedRequests(violations), Repeats()]
    return logger
