"""Joins JACK, Icecast, the sources and the server; starts them in order and stops them in reverse."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from stream_manager.analyzer_link import AnalyzerLink
from stream_manager.handlers import RequestHandler
from stream_manager.health import health
from stream_manager.icecast.server import Icecast
from stream_manager.jack.capacity_metrics import CapacityMetrics
from stream_manager.jack.gaps import record_jack_gaps
from stream_manager.jack.graph import JackGraph
from stream_manager.jack.openings import ClientOpenings
from stream_manager.jack.reservations import JackReservations
from stream_manager.live.page import add_live_page
from stream_manager.live.storage import live_folder, live_storage
from stream_manager.live.streams import LiveStreams
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.guard_proxy import GuardProxy
from stream_manager.outputs.registry import RECORDER, load_outputs, output_names
from stream_manager.privacy.gate import RecordingPrivacy
from stream_manager.privacy.job import HeldRecording
from stream_manager.recorder.control import RecordingControl, switches_path
from stream_manager.recorder.metrics import RecordingMetrics
from stream_manager.recorder.options import RecorderOptions
from stream_manager.recordings.databases import RecordingDatabases
from stream_manager.recordings.deletions import NAME as DELETIONS
from stream_manager.recordings.deletions import DeletionCounts
from stream_manager.recordings.reports import RecordingReports
from stream_manager.recordings.unattended import UnattendedRecordings
from stream_manager.services import Services
from stream_manager.source_metrics import SourceMetrics
from stream_manager.source_probe import SourceProbes
from stream_manager.sources import Sources
from stream_manager.state_file import read_state, state_path
from tidzam.accounts.client_audit import ClientAudit
from tidzam.config import Settings
from tidzam.errors import ConfigError, TidzamError
from tidzam.gaps import ALL, GapLedger, GapReason
from tidzam.icecast_passwords import ADMIN_PASSWORD_ENV, PASSWORD_ENV
from tidzam.jack.environment import jack_env
from tidzam.paths import GAPS, is_wanted
from tidzam.protocol.live_streams import AUDIO_EVENT
from tidzam.protocol.stream_manager import MESSAGES, reads_only
from tidzam.proxy import bypassing_locally
from tidzam.server import Access, Right, Server
from tidzam.store.reporter import StoreReporter
from tidzam.tokens import take_token

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamManagerOptions:
    """The node's settings, the passwords of its Icecast, and the address of its analyzer, if any."""

    settings: Settings
    icecast_password: str
    icecast_admin_password: str
    analyzer: str | None = None

    @classmethod
    def from_environment(cls, settings: Settings, *, analyzer: str | None = None) -> StreamManagerOptions:
        """Takes the passwords out of the environment, so that no child process inherits them."""
        source, admin = (os.environ.pop(name, "") for name in (PASSWORD_ENV, ADMIN_PASSWORD_ENV))
        return cls(settings, icecast_password=source, icecast_admin_password=admin, analyzer=analyzer)


async def run(options: StreamManagerOptions, stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises TidzamError if it cannot start."""
    settings = options.settings
    reporter = store_reporter(settings)
    ledger = gap_ledger(settings, reporter)
    graph = JackGraph(
        settings.jack.server,
        expected_rate_hz=settings.jack.rate_hz,
        output_suffixes=output_suffixes(settings),
        signal=settings.stream_manager.signal,
        on_late=lambda seconds: ledger.add(ALL, GapReason.XRUN, seconds),
    )
    icecast = Icecast(settings.icecast, options.icecast_password, options.icecast_admin_password)
    captured = settings.analyzer.ports if options.analyzer is not None else ()
    env = _children_env(settings)
    databases = RecordingDatabases(settings.sources)
    state = state_path(settings)
    try:
        async with GuardProxy({**os.environ, **env}) as guard, asyncio.TaskGroup() as tasks:
            services = _services(settings, graph, icecast, env, guard, ledger, databases, reporter, captured=captured)
            storage = live_storage(settings, hold=_holder(services.privacy, live_folder(settings)))
            live = LiveStreams(services, load_outputs(settings.stream_manager.outputs), storage)
            sources = Sources(services, tasks, settings.stream_manager, state, live.statuses)
            token = take_token(settings.home)
            async with _server(settings, services, sources, live, reporter, token):
                if not options.icecast_password:
                    log.warning("no Icecast password is set, so Icecast will refuse every mount; set %s", PASSWORD_ENV)
                watchers: list[asyncio.Task[None]] = [tasks.create_task(graph.watch())]
                watchers.append(tasks.create_task(icecast.watch()))
                watchers.append(tasks.create_task(live.run()))
                watchers.append(tasks.create_task(ledger.run()))
                watchers.append(tasks.create_task(record_jack_gaps(graph, ledger)))
                watchers.append(tasks.create_task(sources.record_signals()))
                watchers.append(tasks.create_task(databases.run()))
                watchers.append(tasks.create_task(_unattended(settings, services).run()))
                if reporter is not None:
                    watchers.append(tasks.create_task(reporter.run()))
                if services.privacy is not None:
                    watchers.append(tasks.create_task(services.privacy.run(folders_with_thresholds(settings))))
                if options.analyzer is not None:
                    link = AnalyzerLink(
                        options.analyzer,
                        lambda: [*(one.status() for one in sources), *live.statuses()],
                        token=token,
                        on_speech=None if services.privacy is None else services.privacy.take_report,
                    )
                    watchers.append(tasks.create_task(link.run()))
                await sources.load_permanent(settings.sources, read_state(state) if state else ())
                await stop.wait()
                log.info("stopping")
                ledger.close(keep=settings.home is not None and is_wanted(settings.home))
                await sources.unload_all()
                for watcher in watchers:
                    watcher.cancel()
    except ExceptionGroup as group:
        expected, others = group.split(TidzamError)
        if expected is None or others is not None:
            raise
        raise expected.exceptions[0] from None


def _services(
    settings: Settings,
    graph: JackGraph,
    icecast: Icecast,
    env: Mapping[str, str],
    guard: GuardProxy,
    ledger: GapLedger,
    databases: RecordingDatabases,
    reporter: StoreReporter | None,
    *,
    captured: Sequence[str],
) -> Services:
    recordings = RecordingControl(switches_path(settings))
    reports = None if reporter is None else RecordingReports(reporter, DeletionCounts(_deletions_path(settings)))
    return Services(
        graph=graph,
        openings=ClientOpenings(graph),
        reservations=JackReservations(graph, port_max=settings.jack.port_max, captured=captured),
        icecast=icecast,
        env=env,
        settings=settings.stream_manager,
        allowed_addresses=AllowedAddresses.of(settings),
        guard=guard,
        recordings=recordings,
        privacy=recording_privacy(settings, recordings, reports),
        gaps=ledger,
        databases=databases,
        reports=reports,
    )


def _unattended(settings: Settings, services: Services) -> UnattendedRecordings:
    default = settings.stream_manager.record
    return UnattendedRecordings(settings.sources, default, services.recordings, services.reports)


def _deletions_path(settings: Settings) -> Path | None:
    """The file that keeps how much retention has deleted today, beside the one of clients' permanent sources."""
    path = state_path(settings)
    return None if path is None else path.with_name(DELETIONS)


def recording_privacy(
    settings: Settings, recordings: RecordingControl, reports: RecordingReports | None = None
) -> RecordingPrivacy | None:
    """What holds recordings back, and reports those that it releases; None if nothing detects speech."""
    if not settings.analyzer.privacy.is_active:
        return None
    records = [*(source.record for source in settings.sources if source.record), settings.stream_manager.record]
    longest_s = max(record.file_length_s for record in records)

    def released(held: HeldRecording, file: Path) -> None:
        if reports is not None:
            reports.complete(file, segments_in=None if held.threshold is None else held.root)

    return RecordingPrivacy(
        settings.analyzer, recordings, home=settings.home, longest_s=longest_s, on_released=released
    )


def folders_with_thresholds(settings: Settings) -> list[tuple[Path, float | None]]:
    """All folders of recordings, each with the smallest peak of its segments, None if it holds none."""
    found: dict[Path, float | None] = {}
    own = (source.record for source in settings.sources if source.record is not None)
    for record in (settings.stream_manager.record, *own):
        options = RecorderOptions.of("", 0, record)
        found[options.folder] = options.threshold
    if (live := live_folder(settings)) is not None:
        found.setdefault(live, None)
    return list(found.items())


def _holder(privacy: RecordingPrivacy | None, folder: Path | None) -> Callable[[Path], None] | None:
    """What holds back recordings of live streams, whose times are not those that the analyzer reports."""
    if privacy is None or folder is None:
        return None
    return lambda path: privacy.add(HeldRecording(path=path, root=folder, is_reported=False))


def output_suffixes(settings: Settings) -> tuple[str, ...]:
    """The suffixes of the JACK clients of all outputs in use, which are to be connected to the sources.

    Raises ConfigError for an output of the stream manager that cannot be loaded. One that only a source names is left
    to that source to report.
    """
    types = dict(load_outputs((*settings.stream_manager.outputs, RECORDER)))
    for source in settings.sources:
        with suppress(ConfigError):
            types |= load_outputs(output_names(source, ()))
    suffixes = (getattr(output, "jack_suffix", "") for output in types.values())  # a package may lack it
    return tuple(dict.fromkeys(suffix for suffix in suffixes if suffix))


def store_reporter(settings: Settings) -> StoreReporter | None:
    """What takes recordings and gaps to the store; None if there is none. Without a home, no node runs."""
    if settings.home is None or not settings.store.enabled:
        return None
    return StoreReporter(settings.store, settings.home, program="stream_manager", node=settings.node.known_as)


def gap_ledger(settings: Settings, reporter: StoreReporter | None = None) -> GapLedger:
    """The ledger in the home of the node. Without a home, gaps are counted but not kept."""
    folder, keep_days = None if settings.home is None else settings.home / GAPS, settings.gaps.keep_days
    if reporter is None:
        return GapLedger(folder, writer="stream_manager", keep_days=keep_days)
    return GapLedger(folder, writer="stream_manager", keep_days=keep_days, on_record=reporter.add_gap)


def _children_env(settings: Settings) -> dict[str, str]:
    """Leads players to the JACK server, and excludes this machine's own addresses from proxies."""
    direct = bypassing_locally(os.environ, (settings.icecast.reachable_host,))
    return {**jack_env(settings.jack.server), **direct}


def _server(
    settings: Settings,
    services: Services,
    sources: Sources,
    live: LiveStreams,
    reporter: StoreReporter | None,
    token: str | None,
) -> Server:
    graph, icecast, registry = services.graph, services.icecast, CollectorRegistry()
    registry.register(SourceMetrics(settings.node.known_as, graph, icecast, sources, services.databases))
    registry.register(RecordingMetrics(services.recordings))
    registry.register(CapacityMetrics(services.reservations, icecast))
    server = Server(
        "stream manager",
        host=settings.stream_manager.host,
        port=settings.stream_manager.port,
        health=lambda: health(graph, icecast, sources, services.databases),
        messages=MESSAGES,
        registry=registry,
        access=Access.of(settings.access, host=settings.stream_manager.host, token=token),
        limits=settings.limits,
    )
    probes = SourceProbes(services)
    audit = ClientAudit(reporter)
    requests = RequestHandler(sources, live, services.databases, probes, client=server.client, audit=audit)
    server.on("sys", requests.sys, needs=lambda data: Right.LISTEN if reads_only(data) else Right.MANAGE)
    server.on(AUDIO_EVENT, requests.audio)
    server.on_disconnect(requests.disconnected)
    add_live_page(server)
    return server
