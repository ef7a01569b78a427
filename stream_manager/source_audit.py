"""Changes of sources by clients, and what retention has deleted, for the audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from tidzam.accounts.audit import Actor, AuditAction
from tidzam.server.access import Client
from tidzam.store.records import AuditRecord
from tidzam.store.reporter import StoreReporter


class SourceAudit:
    """Reports changes by `reporter`, if there is a store, except those of clients that record them themselves, as the
    console and the command line do."""

    def __init__(self, reporter: StoreReporter | None, client: Callable[[str], Client]) -> None:
        self._reporter, self._client = reporter, client

    def record(self, sid: str, action: AuditAction, source: str, **detail: str) -> None:
        """A client has changed a source. Returns at once."""
        client = self._client(sid)
        if self._reporter is not None and not client.keeps_audit:
            actor = Actor(name="client with the token" if client.has_token else "client", address=client.address)
            self._reporter.add(audit_record(self._reporter.node, actor, action, source, **detail))


def audit_record(node: str, actor: Actor, action: AuditAction, subject: str, **detail: str) -> AuditRecord:
    """The record of a change that was made now."""
    return AuditRecord(
        node=node,
        time=datetime.now(UTC),
        actor=actor.name,
        address=actor.address,
        action=action.value,
        subject=subject,
        detail=detail,
    )
