"""What another node has heard, added to the store under its name."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from pydantic import Field

from console.accounts.visitor import Visitor
from console.services.forwarding.places import forwarded_folder
from console.services.forwarding.plausible import NewNames, require_plausible
from console.services.models import ConsoleModel
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.forwarding import clip_name, forwarded_name, node_name
from tidzam.store.database import Store
from tidzam.store.line_writer import LineWriter
from tidzam.store.records import AnalyzerStartRecord, DetectionRecord, StoreRecord, decode

MOST_LINES: Final = 5000
MOST_BYTES: Final = 8_000_000
"""Of the lines of a request, once they are decompressed."""
_GZIP: Final = 31


class RefusedRecord(ConsoleModel):
    """A line that will never be accepted."""

    line: int = Field(description="Its number, from 0")
    reason: str = Field(description="Why")


class RecordsTaken(ConsoleModel):
    """What became of the records of a request: all are stored except those refused, but nothing of a test."""

    stored: int = Field(description="How many are stored")
    refused: tuple[RefusedRecord, ...] = Field(description="Those that never can be")


class ForwardedRecords:
    """Adds records of other nodes to `store`. What is sent twice is stored once. Any thread may use it."""

    def __init__(self, settings: Settings, store: Store, *, names: NewNames | None = None) -> None:
        self._settings, self._names = settings, names or NewNames(store)
        self._writer, self._turn = LineWriter(store, changed=self._here), threading.Lock()

    def take(self, visitor: Visitor, body: bytes, *, is_gzip: bool, is_test: bool = False) -> RecordsTaken:
        """Store the lines of a body. Those that cannot be stored are refused, also those of another node than the
        account's, unless all are: its account or its name is wrong then, and they can be sent again. With `is_test`,
        nothing is stored.

        Raises RequestError (`request`, `forward_node`), and StoreError if the database is away.
        """
        lines = lines_of(body, is_gzip=is_gzip)
        nodes = {line: _node_of(line) for line in lines}
        own = {node for node in nodes.values() if node is not None and node.lower() == visitor.name}
        for node in own or {node for node in nodes.values() if node is not None}:
            require_own(visitor, node, self._settings)
            if not is_test:
                (forwarded_folder(self._settings) / node).mkdir(parents=True, exist_ok=True)
        refused = {line: f"it is of the node {node}" for line, node in nodes.items() if node not in {None, *own}}
        possible = [line for line in lines if line not in refused]
        if is_test:
            refused |= _implausible(possible)
        else:
            with self._turn:
                refused |= self._writer.write(possible)
        numbered = [(number, refused[line]) for number, line in enumerate(lines) if line in refused]
        return RecordsTaken(
            stored=0 if is_test else len(lines) - len(numbered),
            refused=tuple(RefusedRecord(line=number, reason=reason) for number, reason in numbered),
        )

    def _here(self, record: StoreRecord) -> StoreRecord:
        """A record as it is stored here. Raises ValueError for one that is not forwarded, or not plausible."""
        found = _plausible(here(record))
        if isinstance(found, DetectionRecord):
            self._names.take(found)
        return found


def _plausible(record: StoreRecord) -> StoreRecord:
    """The record. Raises ValueError if it cannot be one."""
    if isinstance(record, DetectionRecord):
        require_plausible(record, datetime.now(UTC))
    return record


def _implausible(lines: Sequence[str]) -> dict[str, str]:
    """Those that would not be stored, with the reasons."""
    refused: dict[str, str] = {}
    for line in lines:
        try:
            _plausible(here(decode(line)))
        except ValueError as error:
            refused[line] = str(error)
    return refused


def require_own(visitor: Visitor, node: str, settings: Settings) -> None:
    """Raises RequestError (`forward_node`) if an account does not belong to a node, or that is this one."""
    if node.lower() != visitor.name:
        raise RequestError(
            f"The account {visitor.name} may not forward what the node {node} hears.",
            hint=f"Set node.name to {visitor.name} there, or make an account of the name {node.lower()} here.",
            code="forward_node",
        )
    if node.lower() == settings.node.known_as.lower():
        raise RequestError(
            f"The receiving node is called {node}, too.", hint="Give one of them another name.", code="forward_node"
        )


def here(record: StoreRecord) -> StoreRecord:
    """A record of another node as it is stored here: its id and its clip begin with the name of the node.

    Raises ValueError for what is not forwarded.
    """
    node_name(record.node)
    if isinstance(record, AnalyzerStartRecord):
        return record
    if not isinstance(record, DetectionRecord):
        raise ValueError(f"records of the kind {record.kind} are not forwarded")
    changes: dict[str, object] = {}
    if not record.id.startswith(f"{record.node}/"):
        changes["id"] = f"{record.node}/{record.id}"
    if record.clip is not None:
        changes["clip"] = forwarded_name(record.node, clip_name(record.clip))
    return record.model_copy(update=changes)


def lines_of(body: bytes, *, is_gzip: bool) -> Sequence[str]:
    """The lines of a body. Raises RequestError (`request`) if it cannot be read, or is too large."""
    if is_gzip:
        stream = zlib.decompressobj(_GZIP)
        try:
            body = stream.decompress(body, MOST_BYTES + 1)
        except zlib.error:
            raise _unreadable("The body is not gzip.") from None
        if not stream.eof and len(body) <= MOST_BYTES:
            raise _unreadable("The body ends too early.")
    if len(body) > MOST_BYTES:
        raise _unreadable(f"The body holds more than {MOST_BYTES:,} bytes.")
    try:
        lines = [line for line in body.decode().split("\n") if line]
    except UnicodeDecodeError:
        raise _unreadable("The body is not UTF-8.") from None
    if len(lines) > MOST_LINES:
        raise _unreadable(f"The body holds more than {MOST_LINES} lines.")
    return lines


def _node_of(line: str) -> str | None:
    """The node of a record; None if the line is none, or names no node, and is refused later."""
    with suppress(ValueError):
        return node_name(decode(line).node)
    return None


def _unreadable(message: str) -> RequestError:
    return RequestError(message, hint="Send lines of JSON in UTF-8.", code="request")
