"""The HTTP and Socket.IO server that programs share: access, limits, events, routes, health, metrics."""

from tidzam.server.access import Access, Client, Identity, Right
from tidzam.server.app import Server
from tidzam.server.authentication import Authenticator, Credentials
from tidzam.server.health import Health
from tidzam.server.routes import Route

__all__ = ["Access", "Authenticator", "Client", "Credentials", "Health", "Identity", "Right", "Route", "Server"]
