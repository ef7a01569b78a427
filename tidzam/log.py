"""The log of every program: one line per fact, for people or, as JSON, for programs. Credentials are hidden in
every line, and control characters are escaped, whichever library wrote it."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from tidzam.scrub import scrub
from tidzam.text import json_printable, printable

PROGRAMS = ("__main__", "tidzam", "stream_manager", "analyzer", "trainer", "database_tool", "benchmarks")
"""Packages whose loggers are Tidzam's; all others belong to libraries."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message, and the error if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        fact = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        if record.exc_info:
            fact["exception"] = scrub(self.formatException(record.exc_info))
        return json_printable(json.dumps(fact, ensure_ascii=False))


class LineFormatter(logging.Formatter):
    """`2026-05-01T06:30:00.123Z info analyzer.app: text`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        line = f"{moment}Z {record.levelname.lower()} {record.name}: {record.getMessage()}"
        return printable(scrub(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line))


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever stderr is at that moment: a progress bar takes it over while it is drawn."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        pass


def set_up_logging(level: str = "info", *, json_lines: bool = False) -> None:
    """Send this program's log to stderr. Libraries log warnings and errors only, unless `level` is debug."""
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if json_lines else LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper() if level in ("debug", "error", "critical") else logging.WARNING)
    for name in PROGRAMS:
        logging.getLogger(name).setLevel(level.upper())
