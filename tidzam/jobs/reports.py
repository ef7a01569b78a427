"""What the command of a job writes to its standard output: a JSON object per line, of its progress and its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidzam.errors import TidzamError
from tidzam.text import printable


@dataclass(frozen=True)
class ProgressReport:
    """`share` is done, from 0 to 1; None if that is unknown."""

    share: float | None
    message: str = ""


@dataclass(frozen=True)
class ResultReport:
    """What the command found: a summary of less than 60 kB. The whole belongs into a file."""

    result: Mapping[str, Any]


@dataclass(frozen=True)
class FailureReport:
    """Why the command fails."""

    message: str
    code: str = "error"


JobReport = ProgressReport | ResultReport | FailureReport


class ReportWriter:
    """Writes reports for the runner of the job."""

    def progress(self, share: float | None, message: str = "") -> None:
        self._write({"event": "progress", "share": None if share is None else round(share, 4), "message": message})

    def result(self, result: Mapping[str, Any]) -> None:
        self._write({"event": "result", "result": dict(result)})

    def failure(self, error: TidzamError) -> None:
        self._write({"event": "failure", "code": error.code, "message": str(error)})

    def _write(self, values: Mapping[str, Any]) -> None:
        print(json.dumps(values), flush=True)


def parse_report(line: str) -> JobReport | None:
    """The report in a line; None if it is something else, such as a message of a library.

    >>> parse_report('{"event": "progress", "share": 0.5, "message": "half"}')
    ProgressReport(share=0.5, message='half')
    >>> parse_report("loading TensorFlow") is None
    True
    """
    try:
        values = _printable(json.loads(line))
    except ValueError:
        return None
    match values:
        case {"event": "progress", "share": int() | float() | None as share, "message": str(message)}:
            return ProgressReport(None if share is None else min(1.0, max(0.0, float(share))), message)
        case {"event": "result", "result": dict(result)}:
            return ResultReport(result)
        case {"event": "failure", "code": str(code), "message": str(message)}:
            return FailureReport(message, code)
    return None


def _printable(value: Any) -> Any:
    """The same with escape sequences in file names that are not UTF-8, which databases and JSON cannot hold."""
    match value:
        case str():
            return printable(value)
        case dict():
            return {printable(key): _printable(one) for key, one in value.items()}
        case list():
            return [_printable(one) for one in value]
    return value
