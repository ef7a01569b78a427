"""The contract of a sink, and how sinks are made from settings."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from analyzer.files.recording import AnalyzedFile
from tidzam.config.location import LocationSettings
from tidzam.config.sinks import SINKS, ClipSinkSettings, SinkSettings
from tidzam.config.store import LOCAL_STORE, StoreSettings
from tidzam.labels import LabelTree
from tidzam.results import AnalyzedBatch, CascadeIdentity

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Receives every batch of results. All methods run in the event loop of the analyzer and must not block it:
    blocking work belongs in `asyncio.to_thread`.

    `open` is called before the first `deliver`, and `close` after every `open` that succeeded. `deliver` is called for
    one batch at a time, in their order, and may take its time: batches wait in a bounded queue and are dropped when it
    is full, so that a slow sink delays nobody. `deliver` may be cancelled when the analyzer stops.

    Any method may raise. In live analysis the sink is then closed, and opened again after a delay that grows with
    each failure; the batch it failed on is lost to this sink. In the analysis of a file every batch is delivered before
    the next is analyzed; a failing `open` ends the run, other failures are counted and set its exit code.
    """

    async def open(self) -> None: ...
    async def deliver(self, analyzed: AnalyzedBatch) -> None: ...
    async def close(self) -> None: ...


@runtime_checkable
class ReportsFault(Protocol):
    """A sink that may be in trouble although `deliver` succeeds, since it sends later. `fault` is why, or None."""

    @property
    def fault(self) -> str | None: ...


@runtime_checkable
class CountsErrors(Protocol):
    """A sink that goes on after failures of its own. `errors` counts them; they come on top of what it raises."""

    @property
    def errors(self) -> int: ...


@runtime_checkable
class MarkingSink(Protocol):
    """A sink that adds to the results before any sink receives them: the one of clips names these in the detections.

    `mark` is called with every batch, also while the sink is not open. It must not block.
    """

    def mark(self, analyzed: AnalyzedBatch) -> AnalyzedBatch: ...


def _ignore(sent: str) -> None:
    """Nobody wants to see what was sent."""


@dataclass(frozen=True, kw_only=True)
class SinkContext:
    """What a sink may need besides its own settings.

    `labels` and `bundles` are those of the cascade that is live when the sink is made. Another may take over while the
    sink runs: `AnalyzedBatch.cascade` says which one made a batch.

    `recording` is the file analyzed, None in live analysis. `home` is the node's home, None if it is the default one.
    `is_example`: the sink is only tried, beside the running analyzer, and leaves alone what that one keeps. `bundles`
    holds the version of each classifier (`BundleManifest.version`). `location` is where the node listens, None if that
    is unknown. `is_archive`: the detections are those of recordings of the past, each of which is delivered when its
    file is complete; they say nothing about what is heard now. `on_sent` is called with what was sent or written, as
    text without secrets: whoever tries a sink wants to see it. `cascade` is the one that is live when the sink is made,
    `store` says where the store is, and `clip_folders` are those of the sinks of clips.
    """

    node: str
    labels: LabelTree
    recording: AnalyzedFile | None = None
    home: Path | None = None
    is_example: bool = False
    bundles: Mapping[str, str] = field(default_factory=dict)
    location: LocationSettings | None = None
    is_archive: bool = False
    on_sent: Callable[[str], None] = _ignore
    cascade: CascadeIdentity | None = None
    store: StoreSettings = LOCAL_STORE
    clip_folders: tuple[Path, ...] = ()


class SinkFactory(Protocol):
    """What a name in the registry `tidzam.sinks` refers to: usually the class of a sink.

    `settings_model` is the pydantic model of its entry in `analyzer.sinks`. Calling it makes a sink, and must not
    touch anything outside: that is for `open`.
    """

    settings_model: ClassVar[type[SinkSettings]]

    def __call__(self, settings: Any, context: SinkContext) -> Sink: ...


@dataclass(frozen=True)
class NamedSink:
    """A sink and its name in logs and metrics: its type, with a number from the second of a type on."""

    name: str
    sink: Sink


def marked(sinks: Iterable[NamedSink], analyzed: AnalyzedBatch) -> AnalyzedBatch:
    """The batch as those sinks leave it that add to it."""
    for named in sinks:
        if isinstance(named.sink, MarkingSink):
            try:
                analyzed = named.sink.mark(analyzed)
            except Exception:  # a fault of a sink must not reach the analyzer
                log.exception("sink %s cannot add to the results", named.name)
    return analyzed


def clip_folders(sinks: Iterable[SinkSettings]) -> tuple[Path, ...]:
    """The folders in which the sinks of these settings keep clips."""
    return tuple(sink.folder for sink in sinks if isinstance(sink, ClipSinkSettings))


def make_sinks(settings: Sequence[SinkSettings], context: SinkContext) -> list[NamedSink]:
    """The sinks that the settings ask for.

    Raises ConfigError (`broken_extension`) if one cannot be made, SetupError if one needs a package that is missing.
    """
    names = sink_names(settings)
    return [NamedSink(name, _make(entry, context)) for name, entry in zip(names, settings, strict=True)]


def _make(settings: SinkSettings, context: SinkContext) -> Sink:
    sink: Sink = SINKS.create(settings.type, settings, context, hint="Check its settings in analyzer.sinks.")
    return sink


def sink_names(settings: Sequence[SinkSettings]) -> tuple[str, ...]:
    """The names of sinks: their types, with a number from the second of a type on."""
    count: Counter[str] = Counter()
    names = []
    for entry in settings:
        count[entry.type] += 1
        names.append(entry.type if count[entry.type] == 1 else f"{entry.type}-{count[entry.type]}")
    return tuple(names)
