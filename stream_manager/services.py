"""What every source, player and output depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stream_manager.allowed_addresses import AllowedAddresses
from stream_manager.icecast import Icecast
from stream_manager.jack_graph import JackGraph
from tidzam.config.settings import StreamManagerSettings


@dataclass(frozen=True)
class Services:
    """JACK, Icecast and the settings.

    `env` is added to the environment of child processes: it leads JACK clients to the node's server.
    `allowed_addresses` is what clients without the token may load.
    """

    graph: JackGraph
    icecast: Icecast
    env: Mapping[str, str]
    settings: StreamManagerSettings
    allowed_addresses: AllowedAddresses
