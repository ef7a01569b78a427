"""What `tidzam start` reports about who may listen and who may manage. Pure."""

from __future__ import annotations

import os
from pathlib import Path

from tidzam.config import Settings
from tidzam.config.settings import is_loopback
from tidzam.node.icecast import LISTENER


def access_lines(settings: Settings, path: Path) -> list[str]:
    """Who may manage and listen, and where the token is that lets a client do it."""
    token = os.fsencode(path).decode(errors="backslashreplace")
    servers = {"stream manager": settings.stream_manager, "analyzer": settings.analyzer}
    access = settings.access
    closed = [name for name, server in servers.items() if access.manage_mode(server.host) == "token"]
    opened = [name for name in servers if name not in closed]
    lines = []
    if closed:
        lines.append(f"The {' and the '.join(closed)} can be managed only with the token in {token}")
    if opened:
        reach = "any program that can connect to it" if _reachable(settings, opened) else "any program on this machine"
        lines.append(f"The {' and the '.join(opened)} can be managed by {reach}. Token: {token}")
    if access.listen_mode == "token":
        lines.append("Listening needs the token, too.")
        lines.append(f"Players give it to Icecast as the password of the user {LISTENER}.")
    return lines


def _reachable(settings: Settings, names: list[str]) -> bool:
    """Whether one of the servers that everybody may manage is open to other machines."""
    hosts = {"stream manager": settings.stream_manager.host, "analyzer": settings.analyzer.host}
    return any(not is_loopback(hosts[name]) for name in names)
