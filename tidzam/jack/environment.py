"""The environment of JACK clients."""

from __future__ import annotations


def jack_env(server: str) -> dict[str, str]:
    """Environment variables that make a client connect to `server` and never start another one."""
    return {"JACK_DEFAULT_SERVER": server, "JACK_NO_START_SERVER": "1"}
