"""What `tidzam start` reports about who may listen, who may manage, and the first admin."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from tidzam.config import Settings
from tidzam.config.settings import is_loopback
from tidzam.errors import TidzamError
from tidzam.icecast_passwords import LISTENER
from tidzam.node.programs import in_sentence, node_programs


def access_lines(settings: Settings, path: Path) -> list[str]:
    """Who may manage and listen, and where the token is that lets a client do it."""
    token = os.fsencode(path).decode(errors="backslashreplace")
    hosts = {
        program.title: program.server(settings).host
        for program in node_programs(settings)
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


def first_admin_lines(settings: Settings, home: Path) -> list[str]:
    """Create the first admin if the console has no user yet; then its password, which is shown nowhere else."""
    if not settings.console.enabled or settings.edge.enabled:
        return []
    from tidzam.accounts.first_admin import NAME, ensure_first_admin  # the database is slow to import
    from tidzam.store.database import open_store

    try:
        with open_store(settings.store, home) as store, store.write() as session:
            password = ensure_first_admin(session, now=datetime.now(UTC))
    except TidzamError as error:
        return [f"The users of the console are unknown: {error}"]
    if password is None:
        return []
    return [f"Log in to the console as {NAME} with the password {password} (it is shown only now)."]
