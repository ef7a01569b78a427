"""Changes by clients of the stream manager and the analyzer, and what retention has deleted, for the audit log."""

from __future__ import annotations

from datetime import UTC, datetime

from tidzam.accounts.audit import Actor, AuditAction
from tidzam.server.access import Client
from tidzam.store.records import AuditRecord
from tidzam.store.reporter import StoreReporter


class ClientAudit:
    """Reports changes by `reporter`, if there is a store, except those of clients that record them themselves, as the
    console and the command line do."""

    def __init__(self, reporter: StoreReporter | None) -> None:
        self._reporter = reporter

    def record(self, client: Client, action: AuditAction, subject: str, **detail: str) -> None:
        """A client has changed something. Returns at once.

        `client` is taken when the request arrives: nothing is known of one that has left while it was carried out.
        """
        if self._reporter is not None and not client.keeps_audit:
            actor = Actor(name="client with the token" if client.has_token else "client", address=client.address)
            self._reporter.add(audit_record(self._reporter.node, actor, action, subject, **detail))


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
