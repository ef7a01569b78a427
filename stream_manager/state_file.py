"""The file that keeps the permanent sources of clients while the stream manager does not run."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stream_manager.source_registry import FORMER_CLIENT, SourceEntry
from tidzam.atomic import write_atomically
from tidzam.config import Settings, SourceSettings

log = logging.getLogger(__name__)

VERSION = 1
MAX_BYTES = 4_000_000
"""More than the largest allowed number of sources needs."""
NAME = "client-sources.json"
SET_ASIDE = ".damaged"


class _DamagedError(Exception):
    """The file was not written by this program; the text is the reason, without content of the file."""


def state_path(settings: Settings) -> Path | None:
    """Where the file is; None if neither the settings nor a home determine it."""
    if settings.stream_manager.state_file is not None:
        return settings.stream_manager.state_file
    return settings.home / NAME if settings.home is not None else None


def read_state(path: Path) -> tuple[SourceEntry, ...]:
    """The sources in the file at `path`; none if there is no such file.

    Never fails. A file with any other content is renamed to end in `.damaged`, with a warning; the valid sources in it
    are used.
    """
    try:
        rows, trusted = _rows(path)
    except FileNotFoundError:
        return ()
    except OSError as error:
        log.warning("cannot read %s: %s; permanent sources of clients are lost", path, error.strerror)
        return ()
    except _DamagedError as error:
        _set_aside(path, str(error))
        return ()
    sources, faults = _sources(rows)
    if faults:
        _set_aside(path, "; ".join(faults[:3]))
    return tuple(SourceEntry(source, FORMER_CLIENT, source.name in trusted) for source in sources)


def _rows(path: Path) -> tuple[list[Any], frozenset[str]]:
    """The sources as they were written, and the names of those that may open private addresses."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _DamagedError(f"it is larger than {MAX_BYTES} bytes")
    try:
        state = json.loads(content)
    except (ValueError, RecursionError):
        raise _DamagedError("it is not JSON") from None
    if not isinstance(state, dict) or state.get("version") != VERSION:
        raise _DamagedError(f"it is not a state file of version {VERSION}")
    rows = state.get("sources")
    if not isinstance(rows, list):
        raise _DamagedError("it has no list of sources")
    trusted = state.get("trusted", [])
    if not isinstance(trusted, list):
        raise _DamagedError("its trusted sources are not a list")
    return rows, frozenset(name for name in trusted if isinstance(name, str))


def _sources(rows: list[Any]) -> tuple[tuple[SourceSettings, ...], list[str]]:
    """The valid sources, and what is wrong with the others. Values are not quoted: they may be secret."""
    found: dict[str, SourceSettings] = {}
    faults: list[str] = []
    for number, row in enumerate(rows):
        try:
            source = SourceSettings.model_validate(row)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, fault["loc"])) or "as a whole" for fault in error.errors()[:3])
            faults.append(f"source {number} is invalid ({places})")
            continue
        if source.is_permanent:
            found[source.name] = source
        else:
            faults.append(f"source {number} is not permanent")
    return tuple(found.values()), faults


def _set_aside(path: Path, reason: str) -> None:
    aside = path.with_name(path.name + SET_ASIDE)
    try:
        path.replace(aside)
    except OSError as error:
        log.warning("%s is damaged (%s) and cannot be renamed: %s", path, reason, error.strerror)
        return
    log.warning("%s is damaged: %s. It was renamed to %s.", path, reason, aside.name)


def write_state(path: Path, entries: Iterable[SourceEntry]) -> None:
    """Replace the file at `path` atomically. Only its owner may read it, as addresses may contain passwords.

    Raises OSError.
    """
    kept = tuple(entries)
    rows = [entry.settings.model_dump(mode="json", exclude_defaults=True) for entry in kept]
    trusted = [entry.name for entry in kept if entry.trusted]
    text = json.dumps({"version": VERSION, "sources": rows, "trusted": trusted}, indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text, mode=0o600)
