"""The sinks of an archive's analysis: they receive the detections of whole files, in the order of the files."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from analyzer.archive.inputs import ArchiveFile
from analyzer.archive.journal import ArchiveJournal
from analyzer.sinks.base import NamedSink, sink_names
from analyzer.sinks.file_sinks import FileSinks
from tidzam.config.sink_base import SinkSettings
from tidzam.config.store import with_store
from tidzam.errors import ConfigError
from tidzam.results import AnalyzedBatch, Detection, DetectionChange, WindowBatch

STORE: Final = "store"


def chosen_sinks(sinks: Sequence[SinkSettings], wanted: Sequence[str] | None) -> dict[str, SinkSettings]:
    """The sinks that run for an archive, by their names: those `wanted`, or by default those that keep results.

    The sinks of clips are not among them: they run where the audio is. That of the store may be chosen although it is
    not among `sinks`. Raises ConfigError if there is no such sink, or it cannot run.
    """
    if wanted is not None and STORE in wanted:
        sinks = with_store(tuple(sinks))
    names = dict(zip(sink_names(sinks), sinks, strict=True))
    able = {name: sink for name, sink in names.items() if sink.for_archives in ("always", "if_chosen")}
    if wanted is None:
        return {name: sink for name, sink in able.items() if sink.for_archives == "always"}
    for name in wanted:
        if name not in able:
            reason = "does not run for archives" if name in names else "does not exist"
            known = ", ".join(able) or "none"
            raise ConfigError(
                f"The sink {name!r} {reason}.",
                hint=f"Those that can: {known}.",
                code="unknown_extension",
                field="sinks",
            )
    return {name: able[name] for name in wanted}


class ArchiveSinks:
    """Passes the detections of finished files on. `errors` counts the failures of each sink.

    The journal keeps what each sink has taken: a sink whose settings are the same receives the detections of a file
    once, also if the analysis is interrupted and continued. Between a delivery and its note in the journal lies a
    moment in which a kill makes it happen again.
    """

    def __init__(
        self,
        sinks: Sequence[tuple[NamedSink, SinkSettings]],
        opened: FileSinks,
        journal: ArchiveJournal,
        files: Sequence[ArchiveFile],
    ) -> None:
        """`opened` holds the same sinks."""
        self._keys = {named.name: sink_key(named.name, settings) for named, settings in sinks}
        self._opened, self._journal, self._files = opened, journal, files
        self._next = 0

    @property
    def errors(self) -> Counter[str]:
        return self._opened.errors

    def advance(self, pending: Container[int]) -> None:
        """Pass on the files up to the first one whose number is `pending`: it will be analyzed yet."""
        while self._keys and self._next < len(self._files) and self._next not in pending:
            self._pass_on(self._files[self._next])
            self._next += 1

    def _pass_on(self, file: ArchiveFile) -> None:
        sent = self._journal.sent_to(file)
        wanting = {name: key for name, key in self._keys.items() if key not in sent}
        outcome = self._journal.outcome(file) if wanting else None
        if outcome is None or outcome.report is None or outcome.report.start is None or not outcome.found:
            return
        batch = batch_of(outcome.found)
        for name, key in wanting.items():
            if self._opened.deliver_to(name, batch):
                self._journal.add_sent(file, key)


def sink_key(name: str, settings: SinkSettings) -> str:
    """What the journal calls a sink: another one if its settings change. Secrets are not part of it."""
    return f"{name}-{hashlib.sha256(repr(settings).encode()).hexdigest()[:12]}"


def batch_of(found: Iterable[Detection]) -> AnalyzedBatch:
    """A batch without windows, in which these detections end."""
    windows = WindowBatch((), np.zeros((0, 1), np.float32), 1, 0, (), ())
    return AnalyzedBatch(windows, (), tuple(_ends(found)))


def _ends(found: Iterable[Detection]) -> Iterator[DetectionChange]:
    for detection in sorted(found, key=lambda one: (one.start, one.channel)):
        yield DetectionChange("end", detection)
