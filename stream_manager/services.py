"""What every source, player and output depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stream_manager.allowed_addresses import AllowedAddresses
from stream_manager.icecast import Icecast
from stream_manager.jack_graph import JackGraph
from stream_manager.jack_reservations import JackReservations
from stream_manager.outputs.icecast_mount import IcecastMount
from tidzam.config.settings import StreamManagerSettings


@dataclass(frozen=True)
class Services:
    """JACK, Icecast and the settings.

    `reservations` is what the sources take of the JACK server, `copied_mounts` are the mounts of sources that are
    copied without decoding, by source.

    `env` is added to the environment of child processes: it leads JACK clients to the node's server.
    `allowed_addresses` is what clients without the token may load.
    """

    graph: JackGraph
    reservations: JackReservations
    icecast: Icecast
    env: Mapping[str, str]
    settings: StreamManagerSettings
    allowed_addresses: AllowedAddresses
    copied_mounts: dict[str, IcecastMount] = field(default_factory=dict)
