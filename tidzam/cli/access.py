"""What `tidzam start` reports about who may listen and who may manage. Pure."""

from __future__ import annotations

import os
from pathlib import Path

from tidzam.config import Settings
from tidzam.config.settings import is_loopback
from tidzam.node.icecast import LISTENER
from tidzam.node.programs import in_sentence, node_programs


def access_lines(settings: Settings, path: Path) -> list[str]:
    """Who may manage and listen, and where the token is that lets a client do it."""
    token = os.fsencode(path).decode(errors="backslashreplace")
    hosts = {
        program.title: program.server(settings).host
        for program in node_programs()
        if program.server is not None and program.applies_access
    }
    access = settings.access
    closed = [title for title, host in hosts.items() if access.manage_mode(host) == "token"]
    opened = [title for title in hosts if title not in closed]
    lines = []
    if closed:
        lines.append(f"{in_sentence(' and '.join(closed))} can be managed only with the token in {token}")
    if opened:
        reachable = any(not is_loopback(hosts[title]) for title in opened)
        reach = "any program that can connect to it" if reachable else "any program on this machine"
        lines.append(f"{in_sentence(' and '.join(opened))} can be managed by {reach}. Token: {token}")
    if access.listen_mode == "token":
        lines.append("Listening requires the token, too.")
        lines.append(f"Players send it to Icecast as the password of the user {LISTENER}.")
    return lines
