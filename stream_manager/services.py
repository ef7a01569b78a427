"""What every source, player and output depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stream_manager.faults import SourceFailure
from stream_manager.icecast.mount import IcecastMount
from stream_manager.icecast.server import Icecast
from stream_manager.jack.graph import JackGraph
from stream_manager.jack.openings import ClientOpenings
from stream_manager.jack.reservations import JackReservations
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.guard_pass import GuardPass
from stream_manager.network.guard_proxy import GuardProxy
from stream_manager.privacy.gate import RecordingPrivacy
from stream_manager.recorder.control import RecordingControl
from stream_manager.recordings.databases import RecordingDatabases
from stream_manager.recordings.reports import RecordingReports
from tidzam.config.settings import StreamManagerSettings
from tidzam.gaps import GapLedger


@dataclass(frozen=True)
class Services:
    """JACK, Icecast, the settings, and the ledger of gaps.

    `openings` are the turns in which processes open their JACK clients: players have one, an output takes one.
    `reservations` is what the sources take of the JACK server, `copied_mounts` are the mounts of sources that are
    copied without decoding, by source.

    `env` is added to the environment of child processes: it leads JACK clients to the node's server.
    `allowed_addresses` is what clients without the token may load. Through `guard`, the connections of clients' sources
    are made, each with its `guard_pass`. `recordings` are the switches and the state of all recordings. `databases`
    are the recordings that can be played again. `privacy` takes complete recordings that are to be held back; without
    it, none is. `reports` takes them to the store, if there is one.
    """

    graph: JackGraph
    openings: ClientOpenings
    reservations: JackReservations
    icecast: Icecast
    env: Mapping[str, str]
    settings: StreamManagerSettings
    allowed_addresses: AllowedAddresses
    gaps: GapLedger
    copied_mounts: dict[str, IcecastMount] = field(default_factory=dict)
    guard: GuardProxy | None = None
    recordings: RecordingControl = field(default_factory=RecordingControl)
    guard_pass: GuardPass | None = None
    databases: RecordingDatabases = field(default_factory=RecordingDatabases)
    privacy: RecordingPrivacy | None = None
    reports: RecordingReports | None = None

    def explain(self, failure: SourceFailure | None) -> SourceFailure | None:
        """The reason of a player's `failure`, which the guard may know better than the player."""
        return failure if failure is None or self.guard_pass is None else self.guard_pass.explain(failure)

    def for_client(self, *, trusted: bool) -> Services:
        """Those of a client's source: it opens `allowed_addresses`, more if the client is `trusted`, and no others."""
        allowed = self.allowed_addresses.with_token() if trusted else self.allowed_addresses
        if self.guard is None:
            return replace(self, allowed_addresses=allowed)
        guard_pass = self.guard.admit(allowed)
        env = {**self.env, **guard_pass.env}
        return replace(self, allowed_addresses=allowed, env=env, guard_pass=guard_pass)
