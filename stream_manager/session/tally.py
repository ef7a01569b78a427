"""What a recording session has recorded so far, from the reports of its recorders. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidzam.text import plural


@dataclass
class SourceTally:
    """What was recorded of a source: `seconds`, of which `lost_s` are missing in the files, and its complete files."""

    name: str
    state: str = "waiting"
    seconds: float = 0.0
    lost_s: float = 0.0
    problem: str = ""
    files: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "seconds": round(self.seconds, 3),
            "lost_s": round(self.lost_s, 3),
            "files": self.files,
            "problem": self.problem or None,
        }


class SessionTally:
    """All sources of a session. `read` takes the lines of its recorders."""

    def __init__(self, names: tuple[str, ...], rate_hz: int) -> None:
        self.sources = {name: SourceTally(name) for name in names}
        self._rate_hz = rate_hz

    def read(self, line: str, source: str = "") -> None:
        """Take a line of a recorder: of the direct one, which names the source, or of that of the JACK ports of
        `source`."""
        try:
            fields: Mapping[str, Any] = json.loads(line)
            tally = self.sources[fields.get("source", source)]
        except (ValueError, KeyError, AttributeError):
            return
        match fields.get("event"):
            case "state":
                tally.state, tally.problem = fields["state"], fields["problem"] or ""
                tally.seconds, tally.lost_s = fields["seconds"], fields["lost_s"]
            case "recorderbeat":
                tally.state, tally.problem = fields["state"], fields["problem"]
                tally.seconds = fields["frames"] / self._rate_hz
                tally.lost_s = fields["lost_frames"] / self._rate_hz
            case "filefinished" | "repaired":
                tally.files.append(fields["file"])
            case "recorderfailed":
                tally.state, tally.problem = "failed", fields["message"]

    def is_done(self, duration_s: float | None) -> bool:
        """Whether every source has ended, or was recorded for as long as is wanted."""
        return all(
            one.state in ("ended", "failed") or (duration_s is not None and one.seconds >= duration_s)
            for one in self.sources.values()
        )

    def progress(self) -> str:
        """One line that says how far each source is."""
        return "   ".join(map(_progress, self.sources.values()))

    def summary(self) -> list[str]:
        """A line per source at the end."""
        return [_summary(one) for one in self.sources.values()]

    @property
    def recorded_all(self) -> bool:
        """Whether something of each source was recorded."""
        return all(one.files for one in self.sources.values())


def _progress(one: SourceTally) -> str:
    lost = f", {one.lost_s:.1f} s missing" if one.lost_s else ""
    return f"{one.name} {one.seconds:.0f} s{lost}" if one.state == "recording" else f"{one.name} {one.state}"


def _summary(one: SourceTally) -> str:
    lost = f", of which {one.lost_s:.3f} s are missing" if one.lost_s else ", without a gap"
    problem = f" ({one.problem})" if one.problem and not one.files else ""
    if not one.files:
        return f"{one.name}: nothing was recorded{problem}"
    return f"{one.name}: {one.seconds:.1f} s in {plural(len(one.files), 'file')}{lost}"
