"""What the helper process is to do with a held recording, and what it has done: JSON on its input and output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from stream_manager.privacy.reports import ReportedSpeech, Seconds
from tidzam.errors import RequestError

if TYPE_CHECKING:
    from tidzam.config.settings import AnalyzerSettings

ARGV: Final = (sys.executable, "-P", "-m", "stream_manager.privacy")
_SETTINGS: Final = frozenset({"privacy", "nn", "models", "overlap", "gate", "engine"})
"""The settings of the analyzer that speech detection depends on; others may hold passwords."""


@dataclass(frozen=True, kw_only=True)
class HeldRecording:
    """A complete recording that is held back. `threshold` is the smallest peak of a segment, and `root` the folder of
    their index; without a threshold it is no segment. `is_reported`: the analyzer's times are those of the file."""

    path: Path
    root: Path
    threshold: float | None = None
    is_reported: bool = True


@dataclass(frozen=True, kw_only=True)
class PrivacyJob:
    """A recording, what the analyzer reported about its source, the analyzer's settings, and the node's home."""

    held: HeldRecording
    settings: Mapping[str, Any]
    home: Path | None = None
    reports: Mapping[str, ReportedSpeech] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        held: HeldRecording,
        settings: AnalyzerSettings,
        *,
        home: Path | None,
        reports: Mapping[str, ReportedSpeech],
    ) -> Self:
        return cls(
            held=held, settings=settings.model_dump(mode="json", include=set(_SETTINGS)), home=home, reports=reports
        )

    def as_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `as_json`."""
        values = json.loads(text)
        held = values["held"]
        return cls(
            held=HeldRecording(**(held | {"path": Path(held["path"]), "root": Path(held["root"])})),
            settings=values["settings"],
            home=None if values["home"] is None else Path(values["home"]),
            reports={
                port: ReportedSpeech(_times(known["judged"]), _times(known["speech"]))
                for port, known in values["reports"].items()
            },
        )


def _times(values: Iterable[Sequence[float]]) -> tuple[Seconds, ...]:
    return tuple((first, last) for first, last in values)


@dataclass(frozen=True, kw_only=True)
class ReleasedRecording:
    """`file` is the final path of a recording, None if it was not kept. `muted_s` of it are muted on some channel."""

    file: str | None
    muted_s: float
    by_reports: bool

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `as_json`. Raises RequestError if it is none."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            raise RequestError(f"The helper process answered {text[:80]!r}.") from None
