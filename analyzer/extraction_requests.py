"""The answers to SampleExtractionRules requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from analyzer.clips.rules import read_requested
from analyzer.sinks.clips import ClipSink
from tidzam.errors import RequestError
from tidzam.labels import UNKNOWN
from tidzam.protocol.extraction import (
    SAMPLE_EXTRACTION_RULES,
    ExtractionRule,
    SampleExtractionAnswer,
    SampleExtractionRequest,
)
from tidzam.protocol.messages import parse
from tidzam.server import Right, Server


class ExtractionRequests:
    """Gets and sets the rules of all clip sinks, and counts their clips. `labels` returns the present classes."""

    def __init__(self, server: Server, sinks: Sequence[ClipSink], labels: Callable[[], Iterable[str]]) -> None:
        self._sinks, self._labels = sinks, labels
        server.on(SAMPLE_EXTRACTION_RULES, self._answer, needs=_needs)

    async def _answer(self, sid: str, data: Any) -> dict[str, Any]:
        request = parse(SampleExtractionRequest, data)
        if request.get == "database_info":
            return SampleExtractionAnswer(database_info=self._counts()).as_wire()
        if request.rules is not None:
            await self._set(request.rules)
        rules = await asyncio.to_thread(self._rules)
        return SampleExtractionAnswer(rules=rules).as_wire()

    async def _set(self, rules: Mapping[str, ExtractionRule]) -> None:
        if not self._sinks:
            raise RequestError(
                "The analyzer keeps no clips.",
                hint="Start it with --out FOLDER, or with a sink of the type clips.",
                code="no_clips",
            )
        for sink in self._sinks:
            await sink.set_requested(rules)

    def _rules(self) -> Mapping[str, ExtractionRule]:
        """All sinks have the same."""
        return read_requested(self._sinks[0].folder) if self._sinks else {}

    def _counts(self) -> dict[str, int]:
        """The clips of each class; every known class has a number."""
        counts = dict.fromkeys((*self._labels(), UNKNOWN), 0)
        for sink in self._sinks:
            for label, count in sink.counts.items():
                counts[label] = counts.get(label, 0) + count
        return counts


def _needs(data: Any) -> Right:
    return Right.MANAGE if isinstance(data, Mapping) and "set" in data else Right.LISTEN
