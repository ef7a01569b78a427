"""What a watchdog of an edge node monitors, as one argument of its command line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True)
class Watched:
    """The names of programs that touch a heartbeat file, and the limits of `CheckSettings`."""

    programs: tuple[str, ...]
    hung_after_s: float
    start_timeout_s: float

    def encode(self) -> str:
        """As one argument, see `parse`."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, argument: str) -> Self:
        """The inverse of `encode`."""
        fields = json.loads(argument)
        return cls(**(fields | {"programs": tuple(fields["programs"])}))
