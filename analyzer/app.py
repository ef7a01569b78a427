"""The live analyzer put together: capture, pipeline, detections, and the sinks of the results."""

from __future__ import annotations

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from analyzer.capture.child import CaptureOptions, EarlyCapture
from analyzer.classifiers.audited import audited
from analyzer.classifiers.first_cascade import first_cascade
from analyzer.classifiers.live_cascade import LiveCascade, freeze_memory
from analyzer.classifiers.reload import ClassifierReloader, ReloadOptions
from analyzer.classifiers.requests import ClassifierRequests
from analyzer.classifiers.shadow_control import ShadowControl
from analyzer.decision_files import DecisionFiles, DecisionFollower
from analyzer.detections import DetectionStages
from analyzer.extraction_requests import ExtractionRequests
from analyzer.live.health_message import health_message
from analyzer.live.runner import LiveAnalysis
from analyzer.live.source_clocks import SourceClocks
from analyzer.live.source_rates import SourceRates
from analyzer.live.thread_priority import lower_priority
from analyzer.metrics import HealthCollector
from analyzer.pipeline import Pipeline
from analyzer.privacy import PrivateStages, SpeechStage
from analyzer.sinks.base import NamedSink, SinkContext, clip_folders, make_sinks, marked
from analyzer.sinks.clips import ClipSink
from analyzer.sinks.queue import BoundedSink
from analyzer.sinks.shadow_events import ShadowEvents
from analyzer.sinks.socketio import SocketIoSink
from analyzer.sinks.spectrogram_events import SpectrogramEvents
from tidzam.accounts.client_audit import ClientAudit
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings, LimitSettings
from tidzam.config.store import LOCAL_STORE, StoreSettings
from tidzam.gaps import GapLedger, GapReason
from tidzam.gaps.records import Record
from tidzam.hangup import on_hangup
from tidzam.protocol.analyzer import (
    JACK_SOURCE,
    MESSAGES,
    AnalyzerHealth,
    cascade_remarks,
    parse_jack_sources,
)
from tidzam.protocol.channel_status import lacking
from tidzam.results import AnalyzedBatch
from tidzam.server import Access, Health, Right, Server
from tidzam.store.reporter import StoreReporter

log = logging.getLogger(__name__)

_DRAIN_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """Options of the live analyzer. `node` is the node's name.

    `gaps` is the folder of the gap ledger; without one, nothing is recorded. Its files are deleted after
    `keep_gap_days`, if that is set. `home` is the node's home, which holds the installed models. `rate_hz` is JACK's
    sample rate, if the node sets it.
    """

    settings: AnalyzerSettings
    node: str
    access: Access | None = None
    limits: LimitSettings | None = None
    gaps: Path | None = None
    keep_gap_days: int | None = None
    location: LocationSettings | None = None
    home: Path | None = None
    store: StoreSettings = LOCAL_STORE
    rate_hz: int | None = None


async def run_live(options: LiveOptions, capture: CaptureOptions, first: EarlyCapture | None = None) -> None:
    """Capture and analyze, until TERM or INT. Raises TidzamError if it cannot begin.

    `first` is a capture process with the options `capture` that is already running.
    """
    with ThreadPoolExecutor(1, initializer=lower_priority) as loading:  # threads of networks inherit its priority
        make = partial(first_cascade, options.settings, options.location, options.home, rate_hz=options.rate_hz)
        pipeline, reloads = await asyncio.get_running_loop().run_in_executor(loading, make)
    log.info("classifiers %s on %s", ", ".join(pipeline.classifiers), pipeline.engine)
    freeze_memory()
    analyzer = Analyzer(pipeline, options, reloads, capture, first)
    del pipeline  # it is freed once another has taken over
    await analyzer.run()


class Analyzer:
    """The composition root of live analysis."""

    def __init__(
        self,
        pipeline: Pipeline,
        options: LiveOptions,
        reloads: ReloadOptions,
        capture: CaptureOptions,
        first: EarlyCapture | None,
    ) -> None:
        settings = options.settings
        self._node = options.node
        self._rates, self._clocks = SourceRates(), SourceClocks()
        self._speech = SpeechStage(settings.privacy, pipeline, home=options.home)
        self._detections = PrivateStages(DetectionStages(pipeline, settings, node=options.node), self._speech)
        self._reporter = _reporter(options)
        self._gaps = _gap_ledger(options, self._reporter)
        self._live = LiveAnalysis(
            pipeline,
            capture,
            self._detections,
            self._deliver,
            overlap=settings.overlap,
            source_rate=self._rates.of_channel,
            gaps=self._gaps,
            clocks=self._clocks,
            first=first,
        )
        self._cascade = LiveCascade(pipeline, self._live, self._detections, self._follow_cascade)
        self._shadow = ShadowControl(
            reloads.loader,
            self._live,
            lambda shadow: DetectionStages(shadow, settings, node=options.node),
            self._deliver_shadow,
        )
        self._reloader = ClassifierReloader(self._cascade, self._shadow, reloads)
        self._decisions = DecisionFollower(
            DecisionFiles(settings.decision.prior, options.home),
            lambda: (self._cascade.pipeline.policy, *self._shadow.policies),
        )
        self._server = self._make_server(options)
        requests = ClassifierRequests(self._reloader, lambda sid: self._server.client(sid).has_token)
        self._socketio = SocketIoSink(
            self._server,
            node=options.node,
            classifiers=pipeline.classifiers,
            labels=pipeline.labels,
            health=self._detail,
            commands=audited(requests.commands, self._server.client, ClientAudit(self._reporter)),
        )
        self._shadow_events = BoundedSink(NamedSink("shadow", ShadowEvents(self._socketio)))
        self._spectrograms = BoundedSink(NamedSink("spectrogram", SpectrogramEvents(self._socketio)))
        context = SinkContext(
            node=options.node,
            labels=pipeline.labels,
            home=options.home,
            bundles=pipeline.bundle_versions,
            location=options.location,
            cascade=pipeline.identity,
            store=options.store,
            clip_folders=clip_folders(settings.sinks),
        )
        self._others = others = make_sinks(settings.sinks, context)
        self._clips = clips = [named.sink for named in others if isinstance(named.sink, ClipSink)]
        ExtractionRequests(self._server, clips, lambda: self._cascade.pipeline.labels)
        self._sinks = [BoundedSink(named) for named in (NamedSink("socketio", self._socketio), *others)]

    def _make_server(self, options: LiveOptions) -> Server:
        registry = CollectorRegistry()
        HealthCollector(self._detail, registry)
        server = Server(
            "analyzer",
            host=options.settings.host,
            port=options.settings.port,
            health=self._health,
            messages=MESSAGES,
            registry=registry,
            access=options.access,
            limits=options.limits,
        )
        server.on(JACK_SOURCE, self._on_jack_source, needs=Right.MANAGE)
        return server

    def _deliver(self, analyzed: AnalyzedBatch) -> None:
        analyzed = marked(self._others, analyzed)
        for sink in self._sinks:
            sink.put(analyzed)
        if self._socketio.sends_spectrograms:
            self._spectrograms.put(analyzed)

    async def _follow_cascade(self, pipeline: Pipeline) -> None:
        """Another cascade has taken over. Sinks see it with their next batch."""
        await self._socketio.use_classifiers(pipeline.classifiers)

    def _deliver_shadow(self, analyzed: AnalyzedBatch) -> bool:
        """Only the clients that subscribe to it receive what the shadow has found. Returns whether they will."""
        return self._shadow_events.put(analyzed)

    async def _on_jack_source(self, sid: str, data: Any) -> None:
        """The stream manager reports its sources."""
        sources = parse_jack_sources(data)
        for name, rate_hz in self._rates.update(sources).items():
            if missing := self._cascade.pipeline.missing_band(rate_hz):
                log.warning("source %s, at %d Hz, lacks %s", name, rate_hz, lacking(missing))
            if unscored := self._cascade.pipeline.novelty.lacking_band(rate_hz):
                log.warning("source %s, at %d Hz, is not scored by %s", name, rate_hz, unscored)
        self._clocks.update(sources)

    async def run(self) -> None:
        """Run until TERM or INT; everything ends in the reverse order of its start. HUP reloads the classifiers."""
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        on_hangup(reload=self._reloader.ask, end=stop.set)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._server)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(self._gaps.close, keep=True)  # capture is missing until the next start
            running = [
                tasks.create_task(sink.run()) for sink in (*self._sinks, self._shadow_events, self._spectrograms)
            ]
            running.append(tasks.create_task(self._socketio.send_health()))
            running.append(tasks.create_task(self._gaps.run()))
            running.append(tasks.create_task(self._decisions.run()))
            if self._reporter is not None:
                running.append(tasks.create_task(self._reporter.run()))
            analyzing = [tasks.create_task(self._reloader.run()), tasks.create_task(self._live.run())]
            await stop.wait()
            log.info("ending")
            for task in analyzing:
                task.cancel()
            await asyncio.wait(analyzing)
            await self._shadow.stop()  # a thread in a network may crash the interpreter when that ends
            self._deliver(self._detections.last_batch())
            await asyncio.gather(*(sink.drain(_DRAIN_S) for sink in self._sinks))
            for task in reversed(running):
                task.cancel()

    def _health(self) -> Health:
        live, detail = self._live.health(), self._detail()
        reasons = tuple(fault.message for fault in detail.faults)
        narrow = (status.remark for status in detail.channel_states if status.remark)
        remarks = (*reasons, *live.remarks, *narrow, *cascade_remarks(detail))
        return Health(not reasons, remarks, detail.model_dump(mode="json"))

    def _detail(self) -> AnalyzerHealth:
        sinks = tuple(sink.status for sink in self._sinks)
        return health_message(
            self._live.health(),
            self._cascade.pipeline,
            self._rates,
            node=self._node,
            sinks=sinks,
            privacy=self._speech.status([sink.privacy for sink in self._clips]),
            reload=self._reloader.status,
            shadow=self._shadow.status,
            dropped_messages=self._server.dropped + sum(sink.dropped for sink in sinks),
        )


def _reporter(options: LiveOptions) -> StoreReporter | None:
    """What takes gaps and changes by clients to the store; None if there is none, or no ledger."""
    if options.gaps is None or not options.store.enabled:
        return None
    return StoreReporter(options.store, options.home, program="analyzer", node=options.node)


def _gap_ledger(options: LiveOptions, reporter: StoreReporter | None) -> GapLedger:
    return GapLedger(
        options.gaps,
        writer="analyzer",
        death=GapReason.CAPTURE,
        keep_days=options.keep_gap_days,
        on_record=_ignore if reporter is None else reporter.add_gap,
    )


def _ignore(record: Record) -> None:
    """No store keeps it."""
