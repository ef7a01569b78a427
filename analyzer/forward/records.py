"""Records of detections, posted to the console of another node."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

from analyzer.forward.link import ForwardLink, require_accepted
from tidzam.forwarding import RECORDS_PATH, TEST_PATH
from tidzam.spool.delivery import RefusedError

BATCH: Final = 200
"""Records in one request at most: 7 kB, which a slow link takes in seconds."""


class RecordReceiver:
    """The other node as the receiver of a spool; see SpoolReceiver. It stores each record once, however often it
    comes. All is sent under the name `node`, also what was kept while this node had another one. With `is_example`,
    it stores nothing."""

    def __init__(
        self, link: ForwardLink, node: str, *, is_example: bool = False, on_sent: Callable[[str], None]
    ) -> None:
        self._link, self._node, self._on_sent = link, node, on_sent
        self._path = TEST_PATH if is_example else RECORDS_PATH
        self.shown = link.shown

    async def connect(self) -> None:
        """See ForwardLink."""
        await self._link.connect()

    async def send(self, lines: Sequence[str], done: set[Hashable]) -> None:
        """Post the lines, of each detection the newest. Raises RefusedError with those that are never accepted."""
        newest = newest_of(lines)
        sent = [named(line, self._node) for line in newest]
        body = gzip.compress("\n".join(sent).encode(), mtime=0)
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
        async with self._link.request("POST", self._path, body=body, headers=headers) as response:
            await require_accepted(response)
            taken = await response.json()
        for line in sent:
            self._on_sent(f"POST {self.shown}{self._path} {line}")
        refused = [(newest[one["line"]], str(one["reason"])) for one in taken["refused"]]
        if refused:
            raise RefusedError(refused[0][1], [line for line, _ in refused])

    async def disconnect(self) -> None:
        """Close the connections."""
        await self._link.close()


def newest_of(lines: Sequence[str]) -> list[str]:
    """The lines without those of a detection of which a later line says all that they say. Their order is kept, and
    lines that are no records stay."""
    newest = list[str]()
    seen = set[tuple[str, str | None]]()
    for line in reversed(lines):
        identifier, clip = _id_and_clip(line)
        if identifier is None:
            newest.append(line)
        elif (identifier, clip) not in seen:
            newest.append(line)
            seen |= {(identifier, clip), (identifier, None)}
    return newest[::-1]


def named(line: str, node: str) -> str:
    """The line, with `node` as the node of its record. A line that is no record stays as it is."""
    values = _values(line)
    if values.get("node", node) == node:
        return line
    return json.dumps({**values, "node": node}, ensure_ascii=False, separators=(",", ":"))


def _values(line: str) -> dict[str, Any]:
    """The values of a record; none if the line is no record."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _id_and_clip(line: str) -> tuple[str | None, str | None]:
    """The id of the detection that a record is of, and its clip."""
    values = _values(line)
    identifier, clip = values.get("id"), values.get("clip")
    return identifier if isinstance(identifier, str) else None, clip if isinstance(clip, str) else None
