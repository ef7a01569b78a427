"""The changes that clients of the node's programs make, as they are reported for the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.store_reports import CollectingReporter
from tidzam.accounts.audit import AuditAction
from tidzam.accounts.client_audit import ClientAudit
from tidzam.server.access import Client, Identity
from tidzam.store.records import AuditRecord


def client(*, has_token: bool = False, keeps_audit: bool = False) -> Client:
    return Client("a", "192.0.2.7", Identity("", frozenset(), has_token=has_token), frozenset(), keeps_audit)


@pytest.mark.parametrize(("has_token", "author"), [(False, "client"), (True, "client with the token")])
def test_the_author_is_the_client_at_its_address(tmp_path: Path, has_token: bool, author: str) -> None:
    reporter = CollectingReporter(tmp_path)
    ClientAudit(reporter).record(client(has_token=has_token), AuditAction.SOURCE_REMOVED, "pond", why="test")
    (row,) = reporter.records
    assert isinstance(row, AuditRecord)
    assert (row.actor, row.address, row.subject, row.detail) == (author, "192.0.2.7", "pond", {"why": "test"})


def test_a_client_that_records_its_changes_is_not_reported(tmp_path: Path) -> None:
    reporter = CollectingReporter(tmp_path)
    ClientAudit(reporter).record(client(keeps_audit=True), AuditAction.SOURCE_REMOVED, "pond")
    assert reporter.records == []


def test_without_a_store_nothing_is_reported() -> None:
    ClientAudit(None).record(client(), AuditAction.SOURCE_REMOVED, "pond")
