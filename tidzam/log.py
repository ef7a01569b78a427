"""The logs of all programs, as text or JSON lines. In every record, also those of libraries, credentials are hidden and
control characters escaped."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TextIO

from tidzam.scrub import scrub
from tidzam.text import json_printable, printable

PROGRAMS = ("__main__", "tidzam", "stream_manager", "analyzer", "trainer", "database_tool", "console", "benchmarks")
"""The packages of Tidzam; all other loggers belong to libraries."""


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time (ISO 8601, UTC), level, logger, message, and the exception if there is one."""

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
        time = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        line = f"{time}Z {record.levelname.lower()} {record.name}: {record.getMessage()}"
        return printable(scrub(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line))


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current `sys.stderr`, which a progress bar replaces while it is shown."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        pass


def set_up_logging(level: str = "info", *, json_lines: bool = False) -> None:
    """Log to stderr. Records of libraries below WARNING are dropped unless `level` is debug."""
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter() if json_lines else LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper() if level in ("debug", "error", "critical") else logging.WARNING)
    for name in PROGRAMS:
        logging.getLogger(name).setLevel(level.upper())
