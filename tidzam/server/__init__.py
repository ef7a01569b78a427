"""The HTTP and socket.io server that stream manager and analyzer share: access, limits, events, health, metrics."""

from tidzam.server.access import Access, Client, Right
from tidzam.server.app import Server
from tidzam.server.health import Health

__all__ = ["Access", "Client", "Health", "Right", "Server"]
