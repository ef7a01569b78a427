"""What was found out about networks on this machine, kept in the home so that a start need not find it out again."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from tidzam import __version__
from tidzam.atomic import write_atomically
from tidzam.paths import cache_folder

log = logging.getLogger(__name__)

FILE_NAME: Final = "engines.json"
_MOST: Final = 256
"""Facts that are kept, the latest ones."""


class EngineRecords:
    """Facts by their keys, in a JSON file. Without a path, nothing is kept.

    A file that cannot be read or written is as good as none: every fact can be found out again.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @classmethod
    def in_home(cls, home: Path | None = None) -> Self:
        """Those of a node, in its home; by default in that of the environment or the default one."""
        return cls(cache_folder(home) / FILE_NAME)

    def get(self, key: str) -> Any:
        """The fact with a key; None if it is not known."""
        return self._read().get(key)

    def put(self, facts: Mapping[str, Any]) -> None:
        """Keep facts, each of which can be written as JSON."""
        if self._path is None or not facts:
            return
        known = {**self._read(), **facts}
        kept = dict(list(known.items())[-_MOST:])
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(kept, indent=1) + "\n")
        except OSError as error:
            log.debug("%s cannot be written: %s", self._path, error)

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            found = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def record_key(kind: str, **details: Any) -> str:
    """The key of a fact of some kind. It depends on its details, on the version of Tidzam and on the machine."""
    machine = [platform.node(), platform.machine(), os.cpu_count()]
    text = json.dumps([__version__, machine, details], sort_keys=True)
    return f"{kind} {hashlib.sha256(text.encode()).hexdigest()}"
