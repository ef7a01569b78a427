"""What the routes of the console use, made once by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import HTTPConnection

from console.accounts.lock_out import LockOutPolicy
from console.accounts.session_policy import SessionPolicy
from console.live.broadcast import LiveBroadcast
from console.live.icecast_listener import IcecastListener
from console.live.mp3_streams import Mp3Streams
from console.openid.provider import OpenIdProvider
from console.services.annotations.service import AnnotationService
from console.services.backups import NodeBackups
from console.services.builder.service import ModelBuilder
from console.services.forwarding.reception import UploadTurns
from console.services.forwarding.records import ForwardedRecords
from console.services.forwarding.uploads import UploadShelf
from console.services.jobs.requests import JobDesk
from console.services.known_classes import KnownClasses, known_classes
from console.services.microphones import Microphones
from console.services.node_files.disk import DiskUse
from console.services.node_files.logs import NodeLogs
from console.services.node_monitor import NodeMonitor
from console.services.novelty_inbox.inbox import NoveltyInbox
from console.services.search.network import ExampleNetwork
from console.services.sources.changes import SourceManager
from console.services.sources.heard import HeardLedger
from console.services.stream_manager_link import StreamManagerLink
from console.web.open_streams import OpenStreams
from tidzam.config import Settings
from tidzam.paths import gaps_folder
from tidzam.store.database import Store
from tidzam.store.queries.gaps import NodeLedger


@dataclass(frozen=True, kw_only=True)
class ConsoleRuntime:
    """`token` is the node's, with which its other programs read the health. `now` is the clock, in UTC.
    `examples` computes what searches look for, `openid` is with whom people may log in."""

    settings: Settings
    store: Store
    monitor: NodeMonitor
    manager: StreamManagerLink
    live: LiveBroadcast
    streams: OpenStreams
    jobs: JobDesk
    token: str | None = field(repr=False)
    now: Callable[[], datetime]
    examples: ExampleNetwork = field(default_factory=ExampleNetwork, repr=False)
    openid: OpenIdProvider | None = None

    @property
    def sources(self) -> SourceManager:
        """What changes sources."""
        return SourceManager(
            link=self.manager, monitor=self.monitor, store=self.store, profile=self.settings.sources, now=self.now
        )

    @property
    def backups(self) -> NodeBackups:
        """The backups of the node."""
        return NodeBackups(settings=self.settings, jobs=self.jobs, now=self.now)

    @property
    def logs(self) -> NodeLogs:
        """The logs of the node's programs."""
        return NodeLogs(self.settings.home)

    @cached_property
    def disk(self) -> DiskUse:
        """What takes up the disk."""
        return DiskUse(self.settings, self.store, now=self.now)

    @cached_property
    def forwarded(self) -> ForwardedRecords:
        """What other nodes have heard."""
        return ForwardedRecords(self.settings, self.store)

    @cached_property
    def uploads(self) -> UploadShelf:
        """The clips that other nodes upload."""
        return UploadShelf(self.settings)

    @cached_property
    def upload_turns(self) -> UploadTurns:
        """Which request works on an upload."""
        return UploadTurns()

    @cached_property
    def microphones(self) -> Microphones:
        """The microphones of browsers that are open."""
        return Microphones(self.manager, self.monitor, store=self.store, now=self.now)

    @cached_property
    def mp3_streams(self) -> Mp3Streams:
        """The mounts that are heard as MP3."""
        return Mp3Streams(lambda: IcecastListener(self.settings, self.token))

    @cached_property
    def novelty(self) -> NoveltyInbox:
        """The sounds unlike anything heard before."""
        return NoveltyInbox(self.settings, self.store, self.examples)

    @property
    def known_classes(self) -> KnownClasses:
        """What models say about classes."""
        return known_classes(self.settings)

    @property
    def ledger(self) -> NodeLedger:
        """When the node's sources were loaded, and their gaps."""
        return NodeLedger(self.settings.node.known_as, gaps_folder(self.settings.home))

    @property
    def heard(self) -> HeardLedger:
        """What was heard of the node's channels."""
        return HeardLedger(self.store, self.ledger, zone=self.time_zone)

    @property
    def lock_out(self) -> LockOutPolicy:
        return LockOutPolicy.of(self.settings.console.lock_out)

    @property
    def sessions(self) -> SessionPolicy:
        return SessionPolicy.of(self.settings.console)

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone of the node, in which pages show times."""
        location = self.settings.location
        return ZoneInfo("UTC" if location is None else location.time_zone)

    def place_and_time(self) -> dict[str, Any]:
        """What the last hours are found with (`console.services.recent.recent_hours`)."""
        return {
            "zone": self.time_zone,
            "now": self.now(),
            "ledger": self.ledger,
            "location": self.settings.location,
        }

    @property
    def annotations(self) -> AnnotationService:
        return AnnotationService(
            store=self.store,
            settings=self.settings,
            zone=self.time_zone,
            notices=self.live.notices,
            node=lambda: self.monitor.view,
            now=self.now,
        )

    @property
    def builder(self) -> ModelBuilder:
        """Builds models of annotations."""
        return ModelBuilder(
            store=self.store,
            settings=self.settings,
            zone=self.time_zone,
            jobs=self.jobs,
        )

    @property
    def cookie(self) -> str:
        """The name of the session's cookie. Browsers do not keep cookies apart by port, so that it has the port."""
        return f"tidzam_session_{self.settings.console.port}"


def runtime_of(connection: HTTPConnection) -> ConsoleRuntime:
    """The runtime of the application that answers a request."""
    runtime: ConsoleRuntime = connection.app.state.runtime
    return runtime
