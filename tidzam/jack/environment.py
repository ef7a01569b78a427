"""How a JACK client finds its server."""

from __future__ import annotations


def jack_env(server: str) -> dict[str, str]:
    """The environment variables with which a client connects to `server` and never starts a server of its own."""
    return {"JACK_DEFAULT_SERVER": server, "JACK_NO_START_SERVER": "1"}
