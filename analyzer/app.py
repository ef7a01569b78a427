"""The live analyzer put together: capture, pipeline, detections, and the sinks of the results."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from analyzer.capture.child import CaptureOptions
from analyzer.capture_session import ring_length_s
from analyzer.channel_status import channel_status
from analyzer.detections import DetectionStages
from analyzer.extraction_requests import ExtractionRequests
from analyzer.health import LiveHealth
from analyzer.live_runner import LiveAnalysis
from analyzer.metrics import HealthCollector
from analyzer.pipeline import Pipeline
from analyzer.privacy import PrivateStages, SpeechStage, privacy_remarks
from analyzer.sinks.base import NamedSink, SinkContext, make_sinks, marked
from analyzer.sinks.clips import ClipSink
from analyzer.sinks.queue import BoundedSink
from analyzer.sinks.socketio import SocketIoSink
from analyzer.source_clocks import SourceClocks
from analyzer.source_rates import SourceRates
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings, LimitSettings
from tidzam.gaps import GapLedger, GapReason
from tidzam.protocol.analyzer import (
    JACK_SOURCE,
    MESSAGES,
    AnalyzerFault,
    AnalyzerHealth,
    SinkStatus,
    parse_jack_sources,
)
from tidzam.protocol.channel_status import lacking
from tidzam.protocol.privacy import PrivacyStatus
from tidzam.results import AnalyzedBatch
from tidzam.server import Access, Health, Right, Server

log = logging.getLogger(__name__)

_DRAIN_S: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """Options of the live analyzer. `node` is the node's name; without a `jack_server`, the environment names it.

    `gaps` is the folder of the gap ledger; without one, nothing is recorded. Its files are deleted after
    `keep_gap_days`, if that is set. `home` is the node's home, which holds the installed models.
    """

    settings: AnalyzerSettings
    node: str
    jack_server: str | None = None
    access: Access | None = None
    limits: LimitSettings | None = None
    gaps: Path | None = None
    keep_gap_days: int | None = None
    location: LocationSettings | None = None
    home: Path | None = None


async def run_live(options: LiveOptions) -> None:
    """Capture and analyze, until TERM or INT. Raises TidzamError if it cannot begin."""
    settings = options.settings
    pipeline = Pipeline.of(settings, options.location, home=options.home)
    log.info("classifiers %s on %s", ", ".join(pipeline.classifiers), pipeline.engine)
    gc.collect()
    gc.freeze()  # collecting what is loaded by now would stop the program for a tenth of a second each time
    await Analyzer(pipeline, options).run()


class Analyzer:
    """The composition root of live analysis."""

    def __init__(self, pipeline: Pipeline, options: LiveOptions) -> None:
        settings = options.settings
        self._pipeline, self._node = pipeline, options.node
        self._rates, self._clocks = SourceRates(), SourceClocks()
        self._speech = SpeechStage(settings.privacy, pipeline, home=options.home)
        self._detections = PrivateStages(DetectionStages(pipeline, settings, node=options.node), self._speech)
        self._gaps = GapLedger(
            options.gaps, writer="analyzer", death=GapReason.CAPTURE, keep_days=options.keep_gap_days
        )
        self._live = LiveAnalysis(
            pipeline,
            CaptureOptions(
                patterns=settings.ports,
                server=options.jack_server,
                slots=settings.max_channels,
                ring_s=ring_length_s(pipeline.longest_window_s),
            ),
            self._detections,
            self._deliver,
            overlap=settings.overlap,
            source_rate=self._rates.of_channel,
            gaps=self._gaps,
            clocks=self._clocks,
        )
        self._server = self._make_server(options)
        self._socketio = SocketIoSink(
            self._server,
            node=options.node,
            classifiers=pipeline.classifiers,
            labels=pipeline.labels,
            health=self._detail,
        )
        context = SinkContext(
            node=options.node,
            labels=pipeline.labels,
            home=options.home,
            bundles=pipeline.bundle_versions,
            location=options.location,
        )
        self._others = others = make_sinks(settings.sinks, context)
        self._clips = clips = [named.sink for named in others if isinstance(named.sink, ClipSink)]
        ExtractionRequests(self._server, clips, pipeline.labels)
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

    async def _on_jack_source(self, sid: str, data: Any) -> None:
        """The stream manager reports its sources."""
        sources = parse_jack_sources(data)
        for name, rate_hz in self._rates.update(sources).items():
            if missing := self._pipeline.missing_band(rate_hz):
                log.warning("source %s, at %d Hz, lacks %s", name, rate_hz, lacking(missing))
        self._clocks.update(sources)

    async def run(self) -> None:
        """Run until TERM or INT; everything ends in the reverse order of its start."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._server)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(self._gaps.close, keep=True)  # capture is missing until the next start
            running = [tasks.create_task(sink.run()) for sink in self._sinks]
            running.append(tasks.create_task(self._socketio.send_health()))
            running.append(tasks.create_task(self._gaps.run()))
            analysis = tasks.create_task(self._live.run())
            await stop.wait()
            log.info("ending")
            analysis.cancel()
            await asyncio.wait([analysis])
            self._deliver(self._detections.last_batch())
            await asyncio.gather(*(sink.drain(_DRAIN_S) for sink in self._sinks))
            for task in reversed(running):
                task.cancel()

    def _health(self) -> Health:
        live, detail = self._live.health(), self._detail()
        reasons = tuple(fault.message for fault in detail.faults)
        narrow = (status.remark for status in detail.channel_states if status.remark)
        remarks = (*reasons, *live.remarks, *narrow, *privacy_remarks(detail.privacy))
        return Health(not reasons, remarks, detail.model_dump(mode="json"))

    def _detail(self) -> AnalyzerHealth:
        sinks = tuple(sink.status for sink in self._sinks)
        return health_message(
            self._live.health(),
            self._pipeline,
            self._rates,
            node=self._node,
            sinks=sinks,
            privacy=self._speech.status([sink.privacy for sink in self._clips]),
            dropped_messages=self._server.dropped + sum(sink.dropped for sink in sinks),
        )


def health_message(
    live: LiveHealth,
    pipeline: Pipeline,
    rates: SourceRates,
    *,
    node: str,
    sinks: tuple[SinkStatus, ...] = (),
    privacy: PrivacyStatus | None = None,
    dropped_messages: int,
) -> AnalyzerHealth:
    """The state of the analyzer as it goes over the wire."""
    statistics, age_s = live.statistics, live.statistics.age_s()
    return AnalyzerHealth(
        node=node,
        engine=pipeline.engine,
        classifiers=pipeline.classifiers,
        channels=live.channels,
        lag_s=round(statistics.lag_s, 4) if statistics.windows else None,
        lost_frames=statistics.lost_frames,
        gaps=statistics.gaps,
        dropped_windows=statistics.dropped_windows,
        replaced_samples=live.replaced_samples,
        dropped_messages=dropped_messages,
        windows_per_s=round(statistics.windows_per_s(), 2),
        windows=statistics.windows,
        last_window_age_s=None if age_s is None else round(age_s, 3),
        capture_pid=live.capture_pid,
        rate_hz=live.rate_hz,
        faults=(*live.faults, *classifier_faults(pipeline)),
        channel_states=tuple(
            channel_status(channel, pipeline, source_rate_hz=rates.of_channel(channel), rate_hz=live.rate_hz)
            for channel in live.channels
        ),
        classifier_errors=dict(pipeline.classifier_errors),
        sinks=sinks,
        privacy=privacy,
    )


def classifier_faults(pipeline: Pipeline) -> tuple[AnalyzerFault, ...]:
    """The classifiers whose networks fail: a fault of their bundles."""
    return tuple(
        AnalyzerFault(code="classifier", origin="bundle", message=message) for message in pipeline.failing.values()
    )
