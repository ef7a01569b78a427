"""Changes by commands in the audit log of their node."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tidzam.cli.options import say
from tidzam.errors import TidzamError
from tidzam.node.home import find_home

if TYPE_CHECKING:  # the database takes a quarter of a second to import
    from tidzam.accounts.audit import AuditAction


def record_command(home: Path | None, action: AuditAction, subject: str, **detail: str) -> None:
    """Record a change that a command has made. Nothing is recorded in a home whose node was never started.

    If the store cannot be used, a message says so: the change is made.
    """
    from tidzam.accounts.audit import command_line_actor, record
    from tidzam.store.database import open_store

    place = find_home(home)
    if not place.profile.is_file():
        return
    try:
        settings = place.settings()
        if not settings.store.enabled:
            return
        with open_store(settings.store, place.root) as store, store.write() as session:
            record(session, command_line_actor(), action, subject, now=datetime.now(UTC), **detail)
    except TidzamError as error:
        say(f"this is not in the audit log: {error}", style="red")
