"""The Prometheus metrics of what the sources take of JACK and Icecast."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream_manager.icecast.server import Icecast
from stream_manager.jack.reservations import JackReservations


class CapacityMetrics(Collector):
    """The resources of the JACK server that are in use and exist, and the listeners, read on each request."""

    def __init__(self, reservations: JackReservations, icecast: Icecast) -> None:
        self._reservations, self._icecast = reservations, icecast

    def collect(self) -> Iterator[Metric]:
        used, limit = self._reservations.used, self._reservations.limit
        in_use = "in use, or reserved for sources that are loaded"
        yield GaugeMetricFamily("tidzam_jack_ports", f"JACK ports that are {in_use}", value=used.ports)
        yield GaugeMetricFamily("tidzam_jack_ports_limit", "JACK ports that the server holds", value=limit.ports)
        yield GaugeMetricFamily("tidzam_jack_clients", f"JACK clients that are {in_use}", value=used.clients)
        yield GaugeMetricFamily("tidzam_jack_clients_limit", "JACK clients that the server holds", value=limit.clients)
        mounts = self._icecast.mounts or {}
        yield GaugeMetricFamily(
            "tidzam_icecast_listeners", "Clients that listen to mounts", value=self._icecast.listeners(mounts)
        )
